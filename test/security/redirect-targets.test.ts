import { expect } from 'chai';
import {
  type AuthStage,
  buildAuthStage,
  cookiesOf,
  signIn,
  vouched,
} from '../functions/of-auth/stage.ts';
import { send } from '../helpers/http-client.ts';

/** CWE-601: targets that lead elsewhere, in the forms that have got past other services. */
const elsewhere = [
  'https://evil.test/',
  'http://system.example.com/',
  '//evil.test/',
  '///evil.test/',
  '////evil.test',
  '/\\evil.test',
  '\\\\evil.test',
  '/%5cevil.test',
  '/\t/evil.test',
  '/%09/evil.test',
  '/%0d%0aLocation:%20https://evil.test',
  'https:evil.test',
  'https:/evil.test',
  'https://system.example.com@evil.test/',
  'https://system.example.com.evil.test/',
  'https://evil.test\\@system.example.com/',
  'https://alice.example.com/',
  'javascript:alert(1)',
  'JaVaScRiPt:alert(1)//https://system.example.com/',
  'data:text/html,x',
  'https://ѕystem.example.com/',
  'https://system.example.com:8443/',
  '/./\\/evil.test',
  '/..//evil.test',
  `/${'a'.repeat(3000)}`,
  '',
];

describe('where a login leads', () => {
  let stage: AuthStage;
  before(async () => {
    stage = await buildAuthStage();
  });
  after(() => stage.close());

  for (const target of elsewhere) {
    it(`not to ${JSON.stringify(target.slice(0, 60))}`, async () => {
      const answer = await signIn(stage, `?r=${encodeURIComponent(target)}`);
      expect(answer.status).to.equal(302);
      const { origin, pathname } = new URL(answer.headers.location ?? '');
      expect(origin).to.equal('https://system.example.com');
      // What is left of a path must not be read as a host by the next who reads it.
      expect(pathname).to.not.match(/^\/[/\\]/);
    });
  }

  it('to a path of its own, absolute or not, with its query', async () => {
    for (const target of [
      '/dashboard/alice?a=b',
      'https://system.example.com/dashboard/alice?a=b',
    ]) {
      const answer = await signIn(stage, `?r=${encodeURIComponent(target)}`);
      expect(answer.headers.location).to.equal('https://system.example.com/dashboard/alice?a=b');
    }
  });

  it('two targets are none', async () => {
    const answer = await signIn(stage, '?r=/x&r=//evil.test');
    expect(new URL(answer.headers.location ?? '').origin).to.equal('https://system.example.com');
  });

  it('a hand-over ends on the host that began it, whatever it was asked for', async () => {
    const host = 'alice.example.com';
    for (const target of elsewhere) {
      const path = `/.well-known/openfaas-cloud/sign-in?r=${encodeURIComponent(target)}`;
      const begun = await send(stage.port, path, { headers: vouched(stage, path, { host }) });
      const ask = new URL(begun.headers.location ?? '');
      expect(ask.origin + ask.pathname, target).to.equal(
        'https://system.example.com/auth/hand-over',
      );
      const [cookie = ''] = Object.values(cookiesOf(begun));
      const claims = JSON.parse(Buffer.from(cookie.split('.')[1] ?? '', 'base64url').toString());
      const back = new URL(claims.returnPath, `https://${host}`);
      expect(back.origin, target).to.equal(`https://${host}`);
    }
  });
});
