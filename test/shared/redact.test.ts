import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import fc from 'fast-check';
import { createRedactingStream, createRedactor } from '#shared/redact.ts';

const secret = 'pä$$ w/rd+"1"';
const base64 = (text: string) => Buffer.from(text).toString('base64');

describe('redaction', () => {
  const redact = createRedactor([secret]);

  it('hides a value wherever it stands, and leaves the rest', () => {
    expect(redact(`a${secret}b ${secret}${secret}`)).to.equal('a•••b •••');
    expect(redact('nothing to hide')).to.equal('nothing to hide');
  });

  for (const [what, text] of [
    ['percent-encoded', encodeURIComponent(secret)],
    [
      'percent-encoded in lower case',
      encodeURIComponent(secret).replace(/%../g, (c) => c.toLowerCase()),
    ],
    ['as a form field', new URLSearchParams({ x: secret }).toString().slice(2)],
    ['in JSON', JSON.stringify({ x: secret })],
    ['in base64', base64(secret)],
    ['in base64url', Buffer.from(secret).toString('base64url')],
    ...['', 'u', 'us', 'usr'].map((user) => [
      `in basic auth of "${user}"`,
      base64(`${user}:${secret}`),
    ]),
    ...[1, 2, 3].map((n) => [
      `in base64 with ${n} bytes behind it`,
      base64(secret + 'x'.repeat(n)),
    ]),
  ] as const) {
    it(`hides it ${what}`, () => {
      const hidden = redact(`<${text}>`);
      expect(hidden).to.contain('•••');
      // What is left over are the bits that its neighbours share with it.
      expect(hidden.replace(/•••|[<>{}"x:]|=|%../g, '')).to.have.length.below(8);
    });
  }

  it('hides each line of a value, and what is assigned in one', () => {
    const lines = createRedactor(['//npm.example/:_authToken=npm_abcdef\r\nalways-auth=true\n']);
    expect(lines('token npm_abcdef, //npm.example/:_authToken=npm_abcdef')).to.equal(
      'token •••, •••',
    );
    expect(lines('it is true')).to.equal('it is true');
  });

  it('hides binary values in base64', () => {
    const value = randomBytes(40);
    expect(createRedactor([value])(value.toString('base64'))).to.equal('•••');
  });

  it('leaves short values: they are ordinary words', () => {
    expect(createRedactor(['true', '8080', '', 'admin'])('true 8080 admin')).to.equal(
      'true 8080 admin',
    );
  });

  it('hides values that overlap as a whole', () => {
    expect(createRedactor(['abcdefgh', 'efghijkl'])('.abcdefghijkl.')).to.equal('.•••.');
    expect(createRedactor(['secret-value', 'secret-value-2'])('secret-value-2')).to.equal('•••');
  });

  it('takes linear time where a text is all beginnings', () => {
    const stream = createRedactingStream([`${'a'.repeat(2000)}b`, 'a'.repeat(3000)]);
    const started = process.cpuUsage().user;
    let length = 0;
    for (let i = 0; i < 200; i += 1) length += stream.push('a'.repeat(1000)).length;
    expect(length + stream.end().length).to.be.below(10_000);
    expect(process.cpuUsage().user - started).to.be.below(5e6);
  });
});

describe('redaction of a text in pieces', () => {
  it('hides a value that is split anywhere, by one character too', () => {
    const text = `before ${secret} after`;
    for (let at = 0; at <= text.length; at += 1) {
      const stream = createRedactingStream([secret]);
      expect(stream.push(text.slice(0, at)) + stream.push(text.slice(at)) + stream.end()).to.equal(
        'before ••• after',
      );
    }
    const stream = createRedactingStream([secret]);
    expect([...text].map((char) => stream.push(char)).join('') + stream.end()).to.equal(
      'before ••• after',
    );
  });

  it('keeps back no more than what may become a secret', () => {
    const stream = createRedactingStream(['secret-value']);
    expect(stream.push('a line\n')).to.equal('a line\n');
    expect(stream.push('a sec')).to.equal('a ');
    expect(stream.push('ond')).to.equal('second');
    expect(stream.push('secret-valu')).to.equal('');
    expect(stream.end()).to.equal('secret-valu');
    expect(stream.end()).to.equal('');
  });

  it('shows in pieces what it shows as a whole, and never a secret', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 6, maxLength: 9 });
    fc.assert(
      fc.property(
        fc.array(letters, { minLength: 1, maxLength: 3 }),
        fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 12 }), {
          maxLength: 12,
        }),
        (secrets, pieces) => {
          const stream = createRedactingStream(secrets);
          const shown = pieces.map((piece) => stream.push(piece)).join('') + stream.end();
          const whole = createRedactor(secrets)(pieces.join(''));
          expect(secrets.some((one) => shown.includes(one))).to.equal(false);
          expect(shown.replace(/(?:•••)+/g, '•')).to.equal(whole.replace(/(?:•••)+/g, '•'));
        },
      ),
      { numRuns: 1000 },
    );
  });
});
