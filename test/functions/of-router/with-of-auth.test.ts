import { expect } from 'chai';
import { send } from '../../helpers/http-client.ts';
import { type AuthStage, buildAuthStage, cookiesOf, signIn } from '../of-auth/stage.ts';
import { buildStage, type Stage, toAlice, toSystem, valuesOf } from './stage.ts';

describe('of-router with the real of-auth', () => {
  let auth: AuthStage;
  let stage: Stage;
  before(async () => {
    auth = await buildAuthStage();
    stage = await buildStage({
      auth: async (request, response) => {
        const path = (request.url ?? '').slice('/function/of-auth'.length);
        const { host: _, connection: __, ...headers } = request.headers;
        const answer = await send(auth.port, path, { headers });
        response.writeHead(answer.status).end(answer.body);
      },
    });
  });
  after(async () => {
    await stage.close();
    await auth.close();
  });

  it('lets everyone to a function, and only signed-in people to their list', async () => {
    expect((await send(stage.port, '/hello', toAlice)).status).to.equal(200);
    expect((await send(stage.port, '/list-functions', toSystem)).status).to.equal(401);
    const cookie = Object.entries(cookiesOf(await signIn(auth)))
      .map(([name, value]) => `${name}=${value}`)
      .join('; ');
    const headers = { ...toSystem.headers, cookie };
    expect((await send(stage.port, '/list-functions', { headers })).status).to.equal(200);
    const raw = stage.seen.at(-1)?.rawHeaders ?? [];
    const [identity = ''] = valuesOf(raw, 'x-cloud-identity');
    expect(JSON.parse(Buffer.from(identity, 'base64url').toString())).to.include({
      subject: 'github:7',
      login: 'Alice',
    });
    expect(valuesOf(raw, 'cookie')).to.deep.equal([]);
  });
});
