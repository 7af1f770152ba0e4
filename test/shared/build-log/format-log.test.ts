import { expect } from 'chai';
import { formatLog } from '#shared/build-log/format-log.ts';
import { lastBytes } from '#shared/build-log/last-bytes.ts';

const size = (text: string) => Buffer.byteLength(text);

describe('a log as the text of a check', () => {
  it('stands in a fence', () => {
    expect(formatLog(Buffer.from('short'), 500)).to.equal('\n```shell\nshort\n```\n');
  });

  it('is cut to its end where even a warning would not fit', () => {
    const log = Buffer.from('the container builder exported the image in 10s');
    expect(formatLog(log, 20)).to.equal('\n```shell\nted the image in 10s\n```\n');
  });

  // Sizes as the original has them; its warning names a dashboard instead of the link.
  for (const [max, bytes, warned] of [
    [65_535, 1015, false],
    [1016, 1015, false],
    [1014, 1010, true],
    [200, 196, true],
    [20, 35, false],
  ] as const) {
    it(`has ${bytes} bytes for a log of 1000 and a limit of ${max}`, () => {
      const text = formatLog(Buffer.alloc(1000, 'x'), max);
      expect(size(text)).to.equal(bytes);
      expect(text.includes(`Warning: log size (1000) bytes exceeded (${max}) bytes`)).to.equal(
        warned,
      );
    });
  }

  it('is never over the limit of GitHub', () => {
    for (const char of ['x', 'é', '€', '😀']) {
      const text = formatLog(Buffer.from(char.repeat(100_000)));
      expect(size(text)).to.be.within(65_000, 65_535);
      expect(text).to.not.contain('\ufffd');
    }
  });

  it('cannot leave its fence', () => {
    const text = formatLog(Buffer.from('a\n```\n# Not a log\n````\nb'));
    expect(text).to.equal('\n`````shell\na\n```\n# Not a log\n````\nb\n`````\n');
  });

  it('has no terminal colours', () => {
    expect(formatLog(Buffer.from('\u001b[31mred\u001b[0m'))).to.contain('\nred\n');
  });
});

describe('the last bytes of a text', () => {
  it('are what the original truncated to', () => {
    const of = (max: number, text: string) => lastBytes(Buffer.from(text), max).toString();
    expect(of(7, 'Some random string')).to.equal(' string');
    expect(of(5, 'Some')).to.equal('Some');
    expect(of(5, 'Some ')).to.equal('Some ');
    expect(of(0, 'Some')).to.equal('');
    expect(of(2, 'a€')).to.equal('');
    expect(of(3, 'a€')).to.equal('€');
  });
});
