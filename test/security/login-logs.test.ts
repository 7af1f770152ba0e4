import { expect } from 'chai';
import {
  type AuthStage,
  buildAuthStage,
  cookiesOf,
  handOver,
  reply,
  startLogin,
} from '../functions/of-auth/stage.ts';
import { send } from '../helpers/http-client.ts';

const session = '__Host-openfaas_cloud_token';

/**
 * CWE-532. The original logged the client's secret, the code and the token's claims, and kept the
 * provider's token in the cookie.
 */
describe('what is secret in a log-in', () => {
  let stage: AuthStage;
  beforeEach(async () => {
    stage = await buildAuthStage();
  });
  afterEach(() => stage.close());

  /** A whole log-in, with everything in it that nobody but its two ends may know. */
  const wholeLogin = async () => {
    const { answer, cookie, state } = await startLogin(stage, '?r=/dashboard');
    const path = `/auth/callback?code=secret-code&state=${state}`;
    const finished = await send(stage.port, path, { headers: { cookie } });
    const token = cookiesOf(finished)[session] ?? '';
    const [, claims = ''] = cookie.split('.');
    const read = Buffer.from(claims, 'base64url').toString();
    const { verifier = 'none' } = read === '' ? {} : JSON.parse(read);
    const secrets = ['secret-code', state, verifier, 'client-secret', 'provider-token'];
    return { answer, finished, token, secrets };
  };

  it('is in no line of the log, whether it went well or not', async () => {
    const { token, secrets } = await wholeLogin();
    const tenant = await handOver(stage, token, 'alice.example.com');
    const headers = { origin: 'https://system.example.com', cookie: `${session}=${token}` };
    await send(stage.port, '/auth/logout', { method: 'POST', headers });
    stage.provider['/api/user'] = reply({ error: 'provider-token' }, 500);
    const failed = await wholeLogin();
    stage.provider['/login/oauth/access_token'] = reply({ error: 'incorrect_client_credentials' });
    const refused = await wholeLogin();
    const log = stage.lines.join('\n');
    // It was signed in, signed out, and twice something was wrong.
    expect(stage.lines).to.have.length(4);
    expect(log).to.contain('signed in').and.contain('signed out');
    const all = [...secrets, ...failed.secrets, ...refused.secrets, token, tenant];
    for (const secret of all) {
      expect(secret).to.have.length.greaterThan(8);
      expect(log).to.not.contain(secret);
    }
    for (const text of [token, tenant]) {
      for (const part of text.split('.')) expect(log).to.not.contain(part);
    }
  });

  it('is in no page and no address but those that need it', async () => {
    const { answer, finished, token, secrets } = await wholeLogin();
    const [code = '', state = '', verifier = ''] = secrets;
    expect(answer.headers.location).to.contain(state).and.not.contain(verifier);
    expect(answer.body).to.equal('');
    expect(finished.headers.location).to.equal('https://system.example.com/dashboard');
    const shown = JSON.stringify([finished.headers, finished.body]);
    for (const text of [code, verifier, 'client-secret', 'provider-token']) {
      expect(shown).to.not.contain(text);
    }
    const claims = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString();
    expect(claims)
      .to.contain('github:7')
      .and.not.match(/provider-token|secret|access_token/);
  });
});
