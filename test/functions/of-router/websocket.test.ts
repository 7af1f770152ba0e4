import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { expect } from 'chai';
import { eventually } from '../../helpers/eventually.ts';
import { send } from '../../helpers/http-client.ts';
import { buildStage, type Stage, type StageOptions, sendJson, toAlice } from './stage.ts';

const key = 'dGhlIHNhbXBsZSBub25jZQ==';
const magic = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** Agrees, and sends back what it gets. */
function echo(request: IncomingMessage, socket: Duplex, head: Buffer): void {
  const accept = createHash('sha1')
    .update(`${request.headers['sec-websocket-key']}${magic}`)
    .digest('base64');
  socket.on('error', () => socket.destroy());
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\nSet-Cookie: openfaas_cloud_token=x\r\n\r\n`,
  );
  socket.write(head);
  socket.pipe(socket);
}

const usual = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  `Sec-WebSocket-Key: ${key}`,
];

describe('WebSockets through of-router', () => {
  let stage: Stage;
  const seen: IncomingMessage[] = [];
  const build = async (options: StageOptions = {}) => {
    seen.length = 0;
    stage = await buildStage({
      upgrade: (request, socket, head) => {
        seen.push(request);
        echo(request, socket, head);
      },
      ...options,
    });
  };
  afterEach(() => stage.close());

  const open = (lines: string[] = usual, target = 'GET /hello/a?b', after = '') => {
    const socket = connect(stage.port, '127.0.0.1').setEncoding('latin1');
    let received = '';
    socket.on('data', (text) => {
      received += text;
    });
    socket.on('error', () => undefined);
    const host = lines.some((line) => line.startsWith('X-Forwarded-Host'))
      ? []
      : ['X-Forwarded-Host: alice.example.com'];
    socket.write(
      `${[`${target} HTTP/1.1`, 'Host: x', ...host, ...lines].join('\r\n')}\r\n\r\n${after}`,
    );
    return { socket, received: () => received };
  };
  const statusOf = async (lines: string[], target?: string): Promise<string> => {
    const { socket, received } = open(lines, target);
    await once(socket, 'close');
    return received().slice(9, 12);
  };

  it('pass both ways, bytes that came early too, with the headers of any request', async () => {
    await build();
    const { socket, received } = open(
      [
        ...usual,
        'X-Cloud-Identity: forged',
        'Cookie: a=1; openfaas_cloud_token=x',
        'Sec-WebSocket-Protocol: chat',
      ],
      'GET /hello/a?b',
      'early',
    );
    await eventually(() => expect(received()).to.match(/^HTTP\/1\.1 101 .*\r\n\r\nearly$/s));
    expect(received()).to.not.contain('openfaas_cloud_token');
    socket.write(' late');
    await eventually(() => expect(received()).to.match(/early late$/));
    const [request] = seen;
    expect(request?.url).to.equal('/function/alice-hello/a?b');
    expect(request?.headers).to.include({
      cookie: 'a=1',
      'x-forwarded-host': 'alice.example.com',
      'sec-websocket-protocol': 'chat',
    });
    expect(request?.headers).to.not.have.property('x-cloud-identity');
    socket.destroy();
    await once(request?.socket as Duplex, 'close');
  });

  it('end with the function', async () => {
    await build();
    const { socket, received } = open();
    await eventually(() => expect(received()).to.contain('101'));
    seen[0]?.socket.destroy();
    await once(socket, 'close');
  });

  it('are refused where their handshake is not whole', async () => {
    await build();
    const without = (name: string) => usual.filter((line) => !line.startsWith(name));
    expect(await statusOf(without('Sec-WebSocket-Key'))).to.equal('400');
    expect(await statusOf([...without('Sec-WebSocket-Key'), 'Sec-WebSocket-Key: x'])).to.equal(
      '400',
    );
    expect(
      await statusOf([...without('Sec-WebSocket-Version'), 'Sec-WebSocket-Version: 8']),
    ).to.equal('400');
    expect(await statusOf(usual, 'POST /hello')).to.equal('400');
    expect(await statusOf([...usual, 'Content-Length: 3'])).to.equal('400');
    expect(seen).to.have.length(0);
  });

  it('are refused like any other request', async () => {
    await build({
      auth: (_, response) =>
        sendJson(response, {
          allow: false,
          cacheSeconds: 1,
          status: 401,
          reason: 'sign-in',
          message: 'Sign in first.',
        }),
    });
    expect(await statusOf(usual)).to.equal('401');
    expect(await statusOf(usual, 'GET /none')).to.equal('404');
    expect(await statusOf(usual, 'GET /hello/../x')).to.equal('400');
    expect(
      await statusOf([...usual, 'X-Forwarded-Host: system.example.com'], 'GET /git-tar'),
    ).to.equal('404');
    expect(seen).to.have.length(0);
  });

  it('are none of the platform functions', async () => {
    await build();
    expect(
      await statusOf([...usual, 'X-Forwarded-Host: system.example.com'], 'GET /list-functions'),
    ).to.equal('501');
    expect(seen).to.have.length(0);
  });

  it('open no tunnel if the function did not agree to a WebSocket', async () => {
    let answer =
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n';
    await build({
      upgrade: (_, socket) => {
        socket.resume().on('end', () => socket.end());
        socket.write(answer);
      },
    });
    expect(await statusOf(usual)).to.equal('502');
    answer = 'HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\n\r\nno';
    const { socket, received } = open(usual, 'GET /hello', 'GET /list-functions HTTP/1.1\r\n\r\n');
    await once(socket, 'close');
    expect(received()).to.match(/^HTTP\/1\.1 426 .*no$/s);
    expect(stage.seen).to.have.length(0);
  });

  it('of another site do not get into a protected function with its cookies', async () => {
    await build({ annotations: { 'alice-hello': { 'com.openfaas.cloud.auth': 'owner' } } });
    expect(await statusOf([...usual, 'Origin: https://evil.example'])).to.equal('403');
    expect(seen).to.have.length(0);
    const own = open([...usual, 'Origin: https://alice.example.com']);
    await eventually(() => expect(own.received()).to.contain(' 101 '));
    own.socket.destroy();
  });

  it('are not the only upgrade: another protocol is not taken up, the request is answered', async () => {
    await build();
    const headers = {
      ...toAlice.headers,
      connection: 'Upgrade, HTTP2-Settings',
      upgrade: 'h2c',
      'http2-settings': '',
    };
    expect(await send(stage.port, '/hello', { headers })).to.include({
      status: 200,
      body: 'hello',
    });
    expect(
      (await send(stage.port, '/hello', { headers, method: 'POST', body: 'x' })).status,
    ).to.equal(501);
    expect(stage.seen).to.have.length(1);
    expect(stage.seen[0]?.rawHeaders.join().toLowerCase()).to.not.contain('h2c');
  });
});
