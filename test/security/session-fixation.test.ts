import { expect } from 'chai';
import {
  type AuthStage,
  buildAuthStage,
  cookiesOf,
  reply,
  signIn,
  startLogin,
} from '../functions/of-auth/stage.ts';
import { send } from '../helpers/http-client.ts';

const session = '__Host-openfaas_cloud_token';
const claimsOf = (token: string) =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());

/** CWE-384: nobody gets somebody to use a session that they know, and a login leaves none of before. */
describe('session fixation', () => {
  let stage: AuthStage;
  beforeEach(async () => {
    stage = await buildAuthStage();
  });
  afterEach(() => stage.close());

  it('a login makes a new session, whatever session the browser had', async () => {
    const before = cookiesOf(await signIn(stage))[session] ?? '';
    const { state, cookie } = await startLogin(stage);
    const headers = { cookie: `${cookie}; ${session}=${before}` };
    const answer = await send(stage.port, `/auth/callback?code=good&state=${state}`, { headers });
    const after = cookiesOf(answer)[session] ?? '';
    expect(claimsOf(after).sid).to.match(/^[\w-]{22}$/);
    expect(claimsOf(after).sid).to.not.equal(claimsOf(before).sid);
  });

  it('a login that an attacker began and did not finish is of no use in another browser', async () => {
    // The attacker stops before the callback and sends the victim there, to sign them in as the attacker.
    stage.provider['/api/user'] = reply({ id: 666, login: 'mallory' });
    const { state } = await startLogin(stage);
    const victims = (await startLogin(stage)).cookie;
    const path = `/auth/callback?code=of-mallory&state=${state}`;
    for (const cookie of ['', victims]) {
      const answer = await send(stage.port, path, { headers: { cookie } });
      expect(answer.status).to.equal(400);
      expect(answer.headers['set-cookie']).to.equal(undefined);
    }
    expect(stage.calls).to.have.length(0);
  });

  it('no session comes from an address', async () => {
    const token = cookiesOf(await signIn(stage))[session] ?? '';
    for (const path of [`/?${session}=${token}`, `/?token=${token}`, `/auth/login?sid=${token}`]) {
      const answer = await send(stage.port, path);
      expect(answer.body).to.not.contain('signed in as');
      expect(cookiesOf(answer)).to.not.have.property(session);
    }
  });

  it('a session that was signed out does not come back with its old cookie', async () => {
    const token = cookiesOf(await signIn(stage))[session] ?? '';
    const cookie = `${session}=${token}`;
    const origin = 'https://system.example.com';
    await send(stage.port, '/auth/logout', { method: 'POST', headers: { origin, cookie } });
    expect((await send(stage.port, '/', { headers: { cookie } })).body).to.contain('not signed in');
  });
});
