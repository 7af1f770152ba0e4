import { expect } from 'chai';
import { parseSite } from '#shared/router/site.ts';
import { send, sendRaw } from '../../helpers/http-client.ts';
import { buildStage, toAlice, toSystem, valuesOf } from './stage.ts';

describe('of-router headers', () => {
  it('drops hop-by-hop, internal and platform fields from requests, keeps the rest', async () => {
    const stage = await buildStage();
    const answer = await sendRaw(
      stage.port,
      [
        'GET /hello HTTP/1.1',
        'Host: gateway',
        'X-Forwarded-Host: alice.example.com',
        'X-Forwarded-For: 6.6.6.6, 192.0.2.7:4711',
        'X-Forwarded-Proto: gopher',
        'X_Forwarded_Proto: gopher',
        'X-Forwarded-User: root',
        'Forwarded: for=6.6.6.6',
        'X-Real-IP: 6.6.6.6',
        'Connection: close, X-Once',
        'X-Once: 1',
        'Keep-Alive: timeout=5',
        'TE: trailers',
        'Proxy-Authorization: Basic eA==',
        'Proxy: http://evil',
        'Expect: 100-continue',
        'X-Cloud-Signature: v1,1,00',
        'x_cloud_identity: e30',
        'X-Callback-Url: http://evil',
        'X-Function-Status: 200',
        'X-Start-Time: 1',
        'X-Call-Id: not a uuid',
        'Cookie: a=1; __Host-openfaas_cloud_token=t; b="2"',
        'Cookie: openfaas_cloud_token=t;__HOST-OFC_LOGIN=x',
        'X-Twice: one',
        'x-twice: two',
        'Authorization: Bearer own',
        'User-Agent: test',
        '',
        '',
      ].join('\r\n'),
    );
    expect(answer).to.contain('200 OK');
    const raw = stage.seen[0]?.rawHeaders ?? [];
    const [callId = ''] = valuesOf(raw, 'x-call-id');
    expect(callId).to.match(/^[0-9a-f-]{36}$/);
    const [host = ''] = valuesOf(raw, 'host');
    expect(raw).to.deep.equal([
      ...['host', host],
      ...['Cookie', 'a=1; b="2"', 'X-Twice', 'one', 'x-twice', 'two'],
      ...['Authorization', 'Bearer own', 'User-Agent', 'test', 'x-call-id', callId],
      ...['x-forwarded-for', '192.0.2.7', 'x-forwarded-host', 'alice.example.com'],
      ...['x-forwarded-proto', 'https'],
    ]);
    await stage.close();
  });

  it('leaves cookies to of-auth, and to nobody else', async () => {
    const stage = await buildStage();
    const headers = { ...toSystem.headers, cookie: '__Host-openfaas_cloud_token=t; x=1' };
    await send(stage.port, '/auth/logout', { headers });
    await send(stage.port, '/list-functions', { headers });
    expect(stage.seen.map(({ rawHeaders }) => valuesOf(rawHeaders, 'cookie'))).to.deep.equal([
      ['__Host-openfaas_cloud_token=t; x=1'],
      ['x=1'],
    ]);
    await stage.close();
  });

  it('cleans answers: no hop-by-hop fields, no internals, no platform cookies', async () => {
    const stage = await buildStage({
      answer: (_, response) => {
        response.writeHead(418, [
          ...['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2; Path=/x'],
          ...['Set-Cookie', 'openfaas_cloud_token=evil; Domain=example.com'],
          ...['Set-Cookie', ' __host-openfaas_cloud_token =evil'],
          ...['Set-Cookie', '=openfaas_cloud_token=evil; Domain=example.com'],
          ...['X-Cloud-Signature', 'v1', 'X-Start-Time', '1', 'X-Served-By', 'gateway'],
          ...['Connection', 'X-Once', 'X-Once', '1', 'Keep-Alive', 'timeout=9'],
          ...['X-Twice', '1', 'x-twice', '2', 'X-Duration-Seconds', '0.1'],
        ]);
        response.end('teapot');
      },
    });
    const answer = await send(stage.port, '/hello', toAlice);
    expect(answer).to.include({ status: 418, body: 'teapot' });
    expect(valuesOf(answer.rawHeaders, 'set-cookie')).to.deep.equal(['a=1', 'b=2; Path=/x']);
    expect(valuesOf(answer.rawHeaders, 'x-twice')).to.deep.equal(['1', '2']);
    expect(answer.headers).to.include({ 'x-duration-seconds': '0.1' });
    expect(answer.headers).to.not.have.any.keys(
      'x-cloud-signature',
      'x-start-time',
      'x-served-by',
      'x-once',
    );
    await stage.close();
  });

  it('lets of-auth set the session', async () => {
    const cookie = '__Host-openfaas_cloud_token=t; Secure';
    const stage = await buildStage({
      answer: (_, response) => response.writeHead(200, { 'set-cookie': cookie }).end(),
    });
    const answer = await send(stage.port, '/auth/callback?code=x', toSystem);
    expect(answer.headers['set-cookie']).to.deep.equal([cookie]);
    await stage.close();
  });

  it('bind browsers to HTTPS on the hosts of the platform, where it is reached by HTTPS', async () => {
    const own = 'max-age=1; includeSubDomains';
    const stage = await buildStage({
      functions: { 'alice-hello': 'alice', 'alice-web': 'alice' },
      annotations: { 'alice-web': { 'com.openfaas.cloud.custom-domain': 'shop.test' } },
      config: { resolveTxt: async () => [['alice.example.com']] },
      answer: (request, response) => {
        const set = request.url?.endsWith('?own') ? { 'Strict-Transport-Security': own } : {};
        response.writeHead(200, set).end();
      },
    });
    const hsts = async (path: string, host: string) => {
      const headers = { 'x-forwarded-host': host };
      return valuesOf(
        (await send(stage.port, path, { headers })).rawHeaders,
        'strict-transport-security',
      );
    };
    expect(await hsts('/hello', 'alice.example.com')).to.deep.equal(['max-age=31536000']);
    expect(await hsts('/auth/health', 'system.example.com')).to.deep.equal(['max-age=31536000']);
    expect(await hsts('/hello?own', 'alice.example.com')).to.deep.equal([own]);
    expect(await hsts('/', 'shop.test')).to.deep.equal([]);
    expect(await hsts('/', 'unknown.test')).to.deep.equal([]);
    await stage.close();

    const plain = await buildStage({
      config: { site: parseSite('http://user.example.com/function') },
    });
    const { headers } = await send(plain.port, '/hello', toAlice);
    expect(headers).to.not.have.property('strict-transport-security');
    await plain.close();
  });
});
