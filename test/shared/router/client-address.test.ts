import { expect } from 'chai';
import { clientAddress } from '#shared/router/client-address.ts';

const table: [header: string | undefined, trusted: number, peer: string, expected: string][] = [
  ['192.0.2.1', 1, '10.0.0.1', '192.0.2.1'],
  ['192.0.2.1:4711', 1, '10.0.0.1', '192.0.2.1'],
  ['[2001:db8::1]:4711', 1, '10.0.0.1', '2001:db8::1'],
  ['2001:db8::1', 1, '10.0.0.1', '2001:db8::1'],
  ['6.6.6.6, 192.0.2.1', 1, '10.0.0.1', '192.0.2.1'],
  ['6.6.6.6, 192.0.2.1, 10.0.0.2', 2, '10.0.0.1', '192.0.2.1'],
  ['192.0.2.1', 2, '10.0.0.1', '10.0.0.1'],
  ['6.6.6.6', 0, '10.0.0.1', '10.0.0.1'],
  ['unknown', 1, '::ffff:10.0.0.1', '10.0.0.1'],
  ['"; drop', 1, '10.0.0.1', '10.0.0.1'],
  [undefined, 1, '::1', '::1'],
];

describe('clientAddress', () => {
  for (const [header, trusted, peer, expected] of table) {
    it(`reads ${header} behind ${trusted} proxies`, () => {
      expect(clientAddress(header, trusted, peer)).to.equal(expected);
    });
  }
});
