import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { expect } from 'chai';
import { eventually } from '../helpers/eventually.ts';
import {
  type BuiltFunction,
  buildFunction,
  type FunctionProcess,
} from './helpers/function-process.ts';

const handler = `
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RawHandler, UpgradeHandler } from './types.ts';
let ready = false;
export const init = async () => { await new Promise((resolve) => setTimeout(resolve, 10)); ready = true; };
export const raw: RawHandler = async (request, response, { callId, log, signal }) => {
  if (request.url === '/throw') throw new Error('secret');
  if (request.url === '/late-throw') { response.write('begun'); throw new Error('secret'); }
  if (request.url === '/list') { response.writeHead(201, ['X-A', '1', 'x-duration-seconds', '99', 'X-A', '2']).end(); return; }
  if (request.url === '/after-timeout') { signal.addEventListener('abort', () => setTimeout(() => { response.end('too late'); log.info('wrote late'); }, 10)); return; }
  if (request.url === '/flood') {
    const chunk = Buffer.alloc(65536);
    let sent = 0;
    while (sent < 256 * 1024 * 1024 && !signal.aborted) {
      sent += chunk.length;
      if (!response.write(chunk)) { log.info('paused', { sent }); await new Promise((resolve) => response.once('drain', resolve)); }
    }
    response.end();
    return;
  }
  response.setHeader('X-Ready', String(ready));
  response.setHeader('X-Id', callId);
  request.pipe(response);
};
export const upgrade: UpgradeHandler = (request, socket, head) => {
  if (request.url === '/throw') throw new Error('secret');
  socket.write('HTTP/1.1 101 Switching Protocols\\r\\nConnection: Upgrade\\r\\nUpgrade: echo\\r\\n\\r\\n');
  socket.write(head);
  socket.pipe(socket);
};
`;

describe('template/node-ts: raw handlers', () => {
  let built: BuiltFunction;
  let fn: FunctionProcess;

  before(async () => {
    built = await buildFunction({ 'handler.ts': handler }, { typecheck: true });
    fn = await built.start({ exec_timeout: '10s', healthcheck_interval: '100ms' });
  });
  after(async () => {
    await fn.kill();
    await built.remove();
  });

  it('stream both ways, chunk by chunk, after init', async () => {
    const outgoing = request({
      socketPath: fn.socketPath,
      method: 'POST',
      headers: { 'X-Call-Id': 'c1' },
    });
    outgoing.write('first');
    const [response] = await once(outgoing, 'response');
    expect(response.headers).to.include({ 'x-ready': 'true', 'x-id': 'c1' });
    expect(response.headers['x-duration-seconds']).to.match(/^\d+\.\d{6}$/);
    expect(String((await once(response, 'data'))[0])).to.equal('first');
    outgoing.write('second');
    expect(String((await once(response, 'data'))[0])).to.equal('second');
    outgoing.end();
    response.resume();
    await once(response, 'end');
  });

  it('pass 32 MiB unchanged, over the body limit of classic handlers', async () => {
    const body = randomBytes(32 * 1024 * 1024);
    const outgoing = request({ socketPath: fn.socketPath, method: 'POST' });
    outgoing.end(body);
    const [response] = await once(outgoing, 'response');
    const hash = createHash('sha256');
    for await (const chunk of response) hash.update(chunk);
    expect(hash.digest('hex')).to.equal(createHash('sha256').update(body).digest('hex'));
  });

  it('feel the back-pressure of a slow reader', async () => {
    const outgoing = request({ socketPath: fn.socketPath, path: '/flood' });
    outgoing.end();
    const [response] = await once(outgoing, 'response');
    response.pause();
    const { sent } = await eventually(() => {
      const line = fn.logs().find((entry) => entry['message'] === 'paused');
      if (line === undefined) throw new Error('not paused');
      return line;
    });
    expect(sent).to.be.below(8 * 1024 * 1024);
    response.destroy();
  });

  it('keep repeated headers of a list; X-Duration-Seconds is ours', async () => {
    const { status, headers } = await fn.call('/list');
    expect(status).to.equal(201);
    expect(headers['x-a']).to.equal('1, 2');
    expect(headers['x-duration-seconds']).to.match(/^\d+\.\d{6}$/);
  });

  it('fail with 500 and an id before the headers, with a broken connection after', async () => {
    const { status, body } = await fn.call('/throw', { headers: { 'X-Call-Id': 'raw-1' } });
    expect([status, JSON.parse(body)]).to.deep.equal([
      500,
      { error: 'The function failed.', id: 'raw-1' },
    ]);
    expect(await fn.call('/late-throw').catch(() => 'broken')).to.equal('broken');
  });

  it('survive writing after the 504 of a timeout', async () => {
    const { status } = await fn.call('/after-timeout', { headers: { 'X-Timeout': '30ms' } });
    expect(status).to.equal(504);
    await eventually(() => expect(fn.output()).to.contain('wrote late'));
    expect((await fn.call('/')).status).to.equal(200);
  });

  const upgrade = async (path: string) => {
    const socket = connect(fn.socketPath).setEncoding('utf8');
    let received = '';
    socket.on('data', (text) => {
      received += text;
    });
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhead`,
    );
    return { socket, received: () => received };
  };

  it('take upgraded connections over; one that fails or breaks does no harm', async () => {
    const { socket, received } = await upgrade('/');
    await eventually(() => expect(received()).to.match(/^HTTP\/1.1 101.*head$/s));
    socket.write(' tail');
    await eventually(() => expect(received()).to.match(/head tail$/));
    socket.destroy();
    const failing = await upgrade('/throw');
    await once(failing.socket, 'close');
    expect((await fn.call('/')).status).to.equal(200);
  });

  it('keep an upgraded connection through the drain', async () => {
    const own = await built.start({ write_timeout: '5s' });
    const socket = connect(own.socketPath).setEncoding('utf8');
    socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
    await once(socket, 'data');
    own.child.kill('SIGTERM');
    await eventually(() => expect(own.output()).to.contain('stopping'));
    socket.write('still here');
    expect((await once(socket, 'data'))[0]).to.equal('still here');
    socket.end();
    expect(await own.exit).to.equal(0);
  });
});
