import { expect } from 'chai';
import fc from 'fast-check';
import { maxTargetLength, parseTarget } from '#shared/router/target.ts';

const accepted: [string, first: string, tail: string, query: string][] = [
  ['/', '', '', ''],
  ['/?x', '', '', '?x'],
  ['/hello', 'hello', '', ''],
  ['/hello/', 'hello', '/', ''],
  ['/hello?', 'hello', '', '?'],
  ['/hello/a%2Fb', 'hello', '/a%2Fb', ''],
  ['/hello/a%2fb%20c/%C3%A9', 'hello', '/a%2fb%20c/%C3%A9', ''],
  ['/hello/100%25', 'hello', '/100%25', ''],
  ['/hello/.well-known/x', 'hello', '/.well-known/x', ''],
  ['/hello/...', 'hello', '/...', ''],
  ['/hello/a..b', 'hello', '/a..b', ''],
  ['/hello/a;b=1,c', 'hello', '/a;b=1,c', ''],
  ['/hello/x{}|^[]`"<>', 'hello', '/x{}|^[]`"<>', ''],
  ['/hello?a=../%2e%2e//?\\&b=%zz%00', 'hello', '', '?a=../%2e%2e//?\\&b=%zz%00'],
];

const refused: [string, number][] = [
  ['', 400],
  ['*', 400],
  ['hello', 400],
  ['http://alice.example.com/hello', 400],
  ['/a b', 400],
  ['/a\tb', 400],
  ['/a\0', 400],
  ['/a\x7f', 400],
  ['/é', 400],
  ['/hello#x', 400],
  ['/hello?x#y', 400],
  ['/hello?\n', 400],
  ['//', 400],
  ['//hello', 400],
  ['/hello//x', 400],
  ['/hello//', 400],
  ['/hello/%2f', 400],
  ['/hello/%2F%2Fevil', 400],
  ['/.', 400],
  ['/..', 400],
  ['/./hello', 400],
  ['/../hello', 400],
  ['/hello/.', 400],
  ['/hello/..', 400],
  ['/hello/../x', 400],
  ['/hello/..;/x', 400],
  ['/hello/.;a/x', 400],
  ['/hello/%2e', 400],
  ['/hello/.%2E/x', 400],
  ['/hello/%2e%2e/x', 400],
  ['/hello/%252e%252e/x', 400],
  ['/hello/%25252e%25252e/x', 400],
  ['/hello/..%2fx', 400],
  ['/hello/a%2f..%2fx', 400],
  ['/hello/..%5cx', 400],
  ['/hello/..%255cx', 400],
  ['/hello\\x', 400],
  ['/hello/%00', 400],
  ['/hello/%2500', 400],
  [`/hello/%${'25'.repeat(4000)}`, 400],
  ['/hello/%', 400],
  ['/hello/%4', 400],
  ['/hello/%zz', 400],
  ['/%2e%2e', 400],
  ['/Hello', 404],
  ['/hel_lo', 404],
  ['/hello.x', 404],
  ['/hello;x', 404],
  ['/hel%6co', 404],
  ['/hello%2fx', 404],
  ['/hello%5cx', 404],
  ['/_/health', 404],
  [`/hello/${'x'.repeat(maxTargetLength)}`, 414],
];

function decode(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, hex) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

describe('parseTarget', () => {
  for (const [raw, first, tail, query] of accepted) {
    it(`takes ${raw}`, () => {
      expect(parseTarget(raw)).to.deep.equal({ path: raw.split('?')[0], first, tail, query });
    });
  }
  for (const [raw, status] of refused) {
    it(`refuses ${JSON.stringify(raw).slice(0, 60)}`, () => {
      const target = parseTarget(raw);
      if (status !== 404) expect(target).to.equal(status);
      else expect(target).to.include({ first: undefined });
    });
  }

  it('never accepts a path that a reader behind it could shorten', () => {
    const part = fc.constantFrom('.', '..', '/', '%2e', '%2F', '%5c', '%25', '2e', '2f', 'a', ';');
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
        const raw = `/hello/${parts.join('')}`;
        const target = parseTarget(raw);
        if (typeof target === 'number') return;
        expect(`/${target.first}${target.tail}`).to.equal(raw);
        for (let text = raw; ; text = decode(text)) {
          expect(new URL(`http://x${text.replaceAll('\\', '/')}`).pathname).to.match(/^\/hello\//);
          if (!/%[0-9a-f]{2}/i.test(text)) break;
        }
      }),
      { numRuns: 2000 },
    );
  });
});
