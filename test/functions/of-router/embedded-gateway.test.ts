import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { expect } from 'chai';
import { createSigner } from '#shared/messages/signature.ts';
import { parseSite } from '#shared/router/site.ts';
import { createRouter, type Router } from '../../../functions/of-router/router.ts';
import { eventually } from '../../helpers/eventually.ts';
import { send } from '../../helpers/http-client.ts';
import { listen, type TestServer } from '../../helpers/listen.ts';
import { startTestGateway, type TestGateway } from '../../helpers/test-gateway.ts';

const none = { perSecond: 0, concurrency: 0 };
const key = 'dGhlIHNhbXBsZSBub25jZQ==';
const accept = createHash('sha1')
  .update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
  .digest('base64');
const labels = { 'com.openfaas.cloud.git-cloud': '1', 'com.openfaas.cloud.git-owner': 'alice' };

describe('of-router in front of the embedded gateway', () => {
  let gateway: TestGateway;
  let router: Router;
  let front: TestServer;
  const cookies: (string | undefined)[] = [];
  before(async () => {
    gateway = await startTestGateway({
      auth: {
        handle: (_, response) =>
          void response.end(JSON.stringify({ allow: true, cacheSeconds: 60 })),
      },
      chat: {
        handle: (_, response) => void response.writeHead(426).end('upgrade, please'),
        upgrade(request, socket, head) {
          cookies.push(request.headers.cookie);
          socket.on('error', () => socket.destroy());
          socket.write(
            `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
          );
          socket.write(head);
          socket.pipe(socket);
        },
      },
    });
    await gateway.deploy('of-auth', 'auth');
    await gateway.deploy('alice-chat', 'chat', { labels });
    router = createRouter({
      ...{ site: parseSite('https://user.example.com/function'), gateway: { url: gateway.url } },
      ...{ signer: createSigner({ current: 's' }), hostSource: 'host', trustedProxies: 0 },
      ...{ timeoutMs: 5000, indexRefreshMs: 1000, authCacheMs: 5000, asyncQuota: 0 },
      limits: { owner: none, address: none },
    });
    const log = { info() {}, warn() {}, error() {}, with: () => log };
    const context = {
      callId: 'c',
      signal: new AbortController().signal,
      log,
      note: () => undefined,
    };
    front = await listen((request, response) => void router.handle(request, response, context));
    front.server.on('upgrade', (request, socket, head) => router.upgrade(request, socket, head));
  });
  after(async () => {
    await front.close();
    await router.close();
    await gateway.close();
  });

  it('a WebSocket passes through both, either way, and ends with its visitor', async () => {
    const socket = connect(front.port, '127.0.0.1').setEncoding('latin1');
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.write(
      `${[
        'GET /chat/room HTTP/1.1',
        'Host: alice.example.com',
        'Connection: Upgrade',
        'Upgrade: websocket',
        'Sec-WebSocket-Version: 13',
        `Sec-WebSocket-Key: ${key}`,
        'Cookie: a=1; __Host-ofc_session=secret',
      ].join('\r\n')}\r\n\r\nearly`,
    );
    await eventually(() => expect(text).to.match(/^HTTP\/1\.1 101 [\s\S]*\r\n\r\nearly$/));
    socket.write(' late');
    await eventually(() => expect(text).to.match(/early late$/));
    expect(cookies).to.deep.equal(['a=1']);
    expect(gateway.provider.leases('alice-chat')).to.equal(1);
    socket.destroy();
    await eventually(() => expect(gateway.provider.leases('alice-chat')).to.equal(0));
  });

  it('an ordinary request to the same function gets its ordinary answer', async () => {
    const { status, body } = await send(front.port, '/chat', {
      headers: { host: 'alice.example.com' },
    });
    expect([status, body]).to.deep.equal([426, 'upgrade, please']);
  });
});
