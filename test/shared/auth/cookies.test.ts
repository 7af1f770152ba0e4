import { expect } from 'chai';
import {
  isPlatformCookie,
  readCookie,
  serializeCookie,
  sessionCookieName,
  stripPlatformCookies,
} from '#shared/auth/cookies.ts';
import { parseSite } from '#shared/router/site.ts';

const https = parseSite('https://user.example.com/function');
const http = parseSite('http://user.localhost:8080/function');

describe('cookies', () => {
  it('are bound to the host over HTTPS, and plain on a laptop', () => {
    expect(serializeCookie(https, sessionCookieName(https), 't', 60)).to.equal(
      '__Host-openfaas_cloud_token=t; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure',
    );
    expect(serializeCookie(http, sessionCookieName(http), 't', 60)).to.equal(
      'openfaas_cloud_token=t; Path=/; Max-Age=60; HttpOnly; SameSite=Lax',
    );
  });

  it('are read by their exact name, once', () => {
    expect(readCookie('a=1; token=x; b=2', 'token')).to.equal('x');
    expect(readCookie('xtoken=1; TOKEN=2', 'token')).to.equal(undefined);
    expect(readCookie('token=1; token=2', 'token')).to.equal(undefined);
    expect(readCookie('a="token=1', 'token')).to.equal(undefined);
    expect(readCookie(undefined, 'token')).to.equal(undefined);
  });

  const stripped: [string, string][] = [
    ['a=1; b=2', 'a=1; b=2'],
    ['a=1;b="x y"; openfaas_cloud_token=t', 'a=1;b="x y"'],
    ['openfaas_cloud_token=t; a=1', 'a=1'],
    ['__Host-openfaas_cloud_token=t', ''],
    ['__HOST-OPENFAAS_CLOUD_TOKEN=t; __Host-ofc_login_a-B=x;c', 'c'],
    ['ofc_handover_x=t; ofc_handovers=own', 'ofc_handovers=own'],
    [' =openfaas_cloud_token=t; a=1', 'a=1'],
    ['openfaas_cloud_token ; a=1', 'a=1'],
    ['my_openfaas_cloud_token=own; a=ofc_login', 'my_openfaas_cloud_token=own; a=ofc_login'],
  ];
  for (const [given, left] of stripped) {
    it(`leave ${JSON.stringify(left)} of ${JSON.stringify(given)}`, () => {
      expect(stripPlatformCookies(given)).to.equal(left);
    });
  }

  it('of functions may have every other name', () => {
    expect(isPlatformCookie('session=1; Path=/')).to.equal(false);
    expect(isPlatformCookie('x=openfaas_cloud_token=1')).to.equal(false);
    expect(isPlatformCookie('ofc_login=1')).to.equal(true);
  });
});
