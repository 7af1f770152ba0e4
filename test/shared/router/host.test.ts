import { expect } from 'chai';
import { parseHost } from '#shared/router/host.ts';

const alice = { kind: 'owner', label: 'alice' };
const malformed = { kind: 'malformed' };
const foreign = (host: string) => ({ kind: 'foreign', host });

const table: [string | undefined, object][] = [
  ['alice.example.com', alice],
  ['ALICE.Example.COM', alice],
  ['alice.example.com.', alice],
  ['alice.example.com:8080', alice],
  ['alice.example.com.:443', alice],
  ['a--b.example.com', { kind: 'owner', label: 'a--b' }],
  ['system.example.com', { kind: 'system' }],
  ['System.example.com.:1', { kind: 'system' }],
  ['Builder.System.example.com:443', { kind: 'builder' }],
  ['x.builder.system.example.com', foreign('x.builder.system.example.com')],
  ['builder.system.example.org', foreign('builder.system.example.org')],
  ['WWW.Shop.example.', foreign('www.shop.example')],
  ['example.com', foreign('example.com')],
  ['.example.com', malformed],
  ['a.b.example.com', foreign('a.b.example.com')],
  ['auth.system.example.com', foreign('auth.system.example.com')],
  ['aliceexample.com', foreign('aliceexample.com')],
  ['alice.example.com.evil.org', foreign('alice.example.com.evil.org')],
  ['alice.example.org', foreign('alice.example.org')],
  ['localhost', foreign('localhost')],
  ['127.0.0.1', foreign('127.0.0.1')],
  [undefined, malformed],
  ['', malformed],
  ['.', malformed],
  ['alice.example.com..', malformed],
  ['alice..example.com', malformed],
  ['alice.example.com:', malformed],
  ['alice.example.com:0', malformed],
  ['alice.example.com:65536', malformed],
  ['alice.example.com:80:80', malformed],
  ['alice.example.com:+80', malformed],
  ['user@alice.example.com', malformed],
  ['alice.example.com/x', malformed],
  ['alice.example.com, b.example.com', malformed],
  [' alice.example.com', malformed],
  ['alice .example.com', malformed],
  ['alice\0.example.com', malformed],
  ['alice%2eexample.com', malformed],
  ['-alice.example.com', malformed],
  ['alice-.example.com', malformed],
  ['al_ice.example.com', malformed],
  ['álice.example.com', malformed],
  ['alice。example.com', malformed],
  ['\u212aim.example.com', malformed],
  ['[::1]', malformed],
  [`${'a'.repeat(64)}.example.com`, malformed],
  [`${'a.'.repeat(130)}example.com`, malformed],
];

describe('parseHost', () => {
  for (const [text, expected] of table) {
    it(`reads ${JSON.stringify(text)?.slice(0, 60)}`, () => {
      expect(parseHost(text, 'example.com')).to.deep.equal(expected);
    });
  }
});
