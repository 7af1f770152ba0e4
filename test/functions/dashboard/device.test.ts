import { expect } from 'chai';
import { deviceOf } from '../../../functions/dashboard/client/device.ts';

describe('what a browser is called', () => {
  const webkit = 'AppleWebKit/537.36 (KHTML, like Gecko)';
  const cases: readonly [userAgent: string, name: string | undefined][] = [
    ['Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', 'Firefox on Linux'],
    [
      `Mozilla/5.0 (Windows NT 10.0) ${webkit} Chrome/130.0 Safari/537.36 Edg/130.0`,
      'Edge on Windows',
    ],
    [
      `Mozilla/5.0 (Linux; Android 15) ${webkit} Chrome/130.0 Mobile Safari/537.36`,
      'Chrome on Android',
    ],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1',
      'Safari on iOS',
    ],
    ['curl/8.5.0', 'curl'],
    ['<b>', '<b>'],
    [' ', undefined],
    ['', undefined],
  ];
  for (const [userAgent, name] of cases) {
    it(`is ${name ?? 'unknown'} for “${userAgent.slice(0, 40)}”`, () => {
      expect(deviceOf(userAgent)).to.equal(name);
    });
  }
});
