import { expect } from 'chai';
import {
  type AuthStage,
  buildAuthStage,
  cookiesOf,
  handOver,
  signIn,
  startLogin,
} from '../functions/of-auth/stage.ts';
import { buildStage, sendJson, toAlice, valuesOf } from '../functions/of-router/stage.ts';
import { send } from '../helpers/http-client.ts';

const host = 'alice.example.com';

describe('cookies of the platform', () => {
  let auth: AuthStage;
  before(async () => {
    auth = await buildAuthStage();
  });
  after(() => auth.close());

  it('are __Host-, Secure, HttpOnly, SameSite=Lax and of the whole host, without exception', async () => {
    const { answer } = await startLogin(auth);
    const set = [
      ...(answer.headers['set-cookie'] ?? []),
      ...((await signIn(auth)).headers['set-cookie'] ?? []),
    ];
    expect(set).to.have.length(3);
    for (const text of set) {
      expect(text).to.match(
        /^__Host-[\w-]+=[\w.-]*; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Lax; Secure$/,
      );
    }
  });

  it('that a sibling host set beside ours make none of them count', async () => {
    // A page of bob.example.com can set a cookie for .example.com, without the prefix or beside ours.
    const token = cookiesOf(await signIn(auth))['__Host-openfaas_cloud_token'];
    const home = async (cookie: string) =>
      (await send(auth.port, '/', { headers: { cookie } })).body.includes('signed in as');
    expect(await home(`__Host-openfaas_cloud_token=${token}`)).to.equal(true);
    expect(await home(`openfaas_cloud_token=${token}`)).to.equal(false);
    expect(await home(`__host-openfaas_cloud_token=${token}`)).to.equal(false);
    expect(
      await home(`__Host-openfaas_cloud_token=${token}; __Host-openfaas_cloud_token=x`),
    ).to.equal(false);
    expect(await home(` __Host-openfaas_cloud_token =${token}`)).to.equal(false);
  });

  it('of one host are worth nothing at another', async () => {
    const token = cookiesOf(await signIn(auth))['__Host-openfaas_cloud_token'] ?? '';
    const atAlice = await handOver(auth, token, host);
    const cookie = `__Host-openfaas_cloud_token=${atAlice}`;
    const { body } = await send(auth.port, '/', { headers: { cookie } });
    expect(body).to.contain('not signed in');
  });

  it('that renew a session are in an answer that nobody keeps', async () => {
    const setCookie =
      '__Host-ofc_session=renewed; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure';
    const stage = await buildStage({
      auth: (_, response) => sendJson(response, { allow: true, cacheSeconds: 0, setCookie }),
      answer: (_, response) => response.writeHead(200, { 'cache-control': 'public' }).end(),
    });
    const { rawHeaders } = await send(stage.port, '/hello', toAlice);
    await stage.close();
    expect(valuesOf(rawHeaders, 'set-cookie')).to.deep.equal([setCookie]);
    expect(valuesOf(rawHeaders, 'cache-control')).to.include('no-store');
  });

  it('never reach a function, in any spelling, and no function can set them', async () => {
    const stage = await buildStage({
      answer: (_, response) =>
        response
          .writeHead(200, {
            'set-cookie': [
              'own=1',
              '__Host-ofc_session=evil; Path=/; Secure',
              '__HOST-OFC_SESSION=evil; Path=/; Secure',
              'ofc_session=evil; Domain=example.com',
              '=__Host-ofc_session=evil; Path=/; Secure',
              '\t__Host-ofc_login_AbCdEfGh =evil',
              '__Host-ofc_handover_1=evil; Path=/; Secure',
              '__Host-openfaas_cloud_token=evil; Domain=example.com',
            ],
          })
          .end(),
    });
    const sent = [
      'a=1',
      '__Host-ofc_session=s',
      '__host-OFC_session=s',
      ' ofc_session =s',
      '=__Host-ofc_session=s',
      'openfaas_cloud_token=s',
      '__Host-ofc_handover_AbC-_123=s',
      'OFC_LOGIN_x=s',
      'b="ofc_session=kept"',
    ];
    const headers = { ...toAlice.headers, cookie: sent.join('; ') };
    const answer = await send(stage.port, '/hello', { headers });
    expect(valuesOf(answer.rawHeaders, 'set-cookie')).to.deep.equal(['own=1']);
    expect(valuesOf(stage.seen[0]?.rawHeaders ?? [], 'cookie')).to.deep.equal([
      'a=1; b="ofc_session=kept"',
    ]);
    await stage.close();
  });
});
