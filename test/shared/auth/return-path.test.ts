import { expect } from 'chai';
import { safeReturnPath } from '#shared/auth/return-path.ts';

const origin = 'https://system.example.com';

const kept: [string, string][] = [
  ['/', '/'],
  ['/list-functions?user=a&b=%20', '/list-functions?user=a&b=%20'],
  ['https://system.example.com/pipeline-log?x=1', '/pipeline-log?x=1'],
  ['https://system.example.com/', '/'],
];

const elsewhere: (string | null)[] = [
  null,
  '',
  'list-functions',
  '//evil.org',
  '//evil.org/x',
  '//user@system.example.com/x',
  '//system.example.com:8443/x',
  '/x\\y',
  '///evil.org',
  '/\\evil.org',
  '\\\\evil.org',
  '/%5cevil.org',
  '/.//evil.org',
  '/x/..//evil.org',
  'https:evil.org',
  'https:/evil.org',
  'https:system.example.com/',
  'https://evil.org/',
  'https://evil.org/https://system.example.com/',
  'https://system.example.com.evil.org/',
  'https://system.example.com@evil.org/',
  'https://user:pass@system.example.com/',
  'https://system.example.com:8443/x',
  'http://system.example.com/x',
  'https://alice.example.com/x',
  'https://SYSTEM.example.com.evil.org',
  'https://system.example.com',
  'javascript:alert(1)',
  'data:text/html,x',
  '/x\r\nSet-Cookie: a=b',
  '/%0d%0aSet-Cookie:%20a=b',
  '/x%00',
  '/\t/evil.org',
  ' /x',
  '/é',
  `/${'x'.repeat(3000)}`,
];

describe('safeReturnPath', () => {
  for (const [wanted, path] of kept) {
    it(`keeps ${wanted}`, () => {
      expect(safeReturnPath(origin, wanted)).to.equal(path);
    });
  }
  for (const wanted of elsewhere) {
    it(`goes home instead of ${JSON.stringify(wanted)?.slice(0, 60)}`, () => {
      expect(safeReturnPath(origin, wanted)).to.equal('/');
    });
  }
});
