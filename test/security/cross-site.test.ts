import { expect } from 'chai';
import { isForeign } from '#shared/auth/cross-site.ts';

const own = 'https://alice.example.com';
const link = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };

const table: [method: string, headers: Record<string, string>, foreign: boolean][] = [
  ['GET', {}, false],
  ['GET', { 'sec-fetch-site': 'none', ...link }, false],
  ['GET', { 'sec-fetch-site': 'same-origin' }, false],
  ['GET', { 'sec-fetch-site': 'cross-site', ...link }, false],
  ['GET', { 'sec-fetch-site': 'same-site', ...link }, false],
  ['GET', { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors' }, true],
  ['GET', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' }, true],
  ['GET', { 'sec-fetch-site': 'same-site', ...link, 'sec-fetch-dest': 'iframe' }, true],
  ['GET', { 'sec-fetch-site': 'odd' }, true],
  ['GET', { origin: 'https://bob.example.com' }, true],
  ['GET', { origin: 'null' }, true],
  ['GET', { origin: own, 'sec-fetch-site': 'same-origin' }, false],
  ['POST', {}, true],
  ['POST', { origin: own }, false],
  ['POST', { origin: own, 'sec-fetch-site': 'same-origin' }, false],
  ['POST', { 'sec-fetch-site': 'same-origin' }, false],
  ['POST', { 'sec-fetch-site': 'none' }, false],
  ['POST', { origin: own, 'sec-fetch-site': 'same-site' }, true],
  ['POST', { origin: 'null', 'sec-fetch-site': 'same-origin' }, true],
  ['POST', { origin: 'http://alice.example.com' }, true],
  ['POST', { origin: 'https://alice.example.com:8443' }, true],
  ['POST', { origin: 'https://bob.example.com' }, true],
  ['POST', { 'sec-fetch-site': 'cross-site', ...link }, true],
  ['DELETE', { 'sec-fetch-site': 'same-site', ...link }, true],
  ['get', { 'sec-fetch-site': 'same-site', ...link }, true],
];

describe('requests from pages of other sites', () => {
  for (const [method, headers, foreign] of table) {
    it(`${foreign ? 'are' : 'are not'} ${method} with ${JSON.stringify(headers)}`, () => {
      expect(isForeign(method, headers, own)).to.equal(foreign);
    });
  }
});
