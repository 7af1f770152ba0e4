import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { expect } from 'chai';
import { eventually } from '../../helpers/eventually.ts';
import { begin, send, sendRaw } from '../../helpers/http-client.ts';
import {
  readSeen,
  type Seen,
  startTestGateway,
  type TestGateway,
} from '../../helpers/test-gateway.ts';

describe('gateway: calling a function', () => {
  const seen: Seen[] = [];
  const releaseStream: (() => void)[] = [];
  let closedByClient = 0;
  let flaky = 0;
  let flooded = 0;
  let gateway: TestGateway;
  let port = 0;

  before(async () => {
    gateway = await startTestGateway(
      {
        echo: {
          async handle(request, response) {
            seen.push(await readSeen(request));
            response.setHeader('Set-Cookie', ['a=1', 'b=2']);
            response.setHeader('X-Caf', 'caf\u00e9');
            response.setHeader('Connection', 'X-Private');
            response.setHeader('X-Private', 'hop');
            response.end(seen.at(-1)?.body);
          },
        },
        status: {
          handle(request, response) {
            const [, code] = /\/(\d+)/.exec(request.url ?? '') ?? [];
            response.writeHead(Number(code), { Location: '/elsewhere', 'X-Call-Id': 'mine' }).end();
          },
        },
        drop: { handle: (request) => void request.socket.destroy() },
        'drop-late': {
          handle(request, response) {
            response.write('half');
            setImmediate(() => request.socket.destroy());
          },
        },
        flaky: {
          handle(request, response) {
            request.resume();
            if (flaky++ === 0) request.socket.destroy();
            else response.end('second');
          },
        },
        slow: { handle: () => undefined },
        stream: {
          handle(request, response) {
            response.once('close', () => {
              if (!response.writableFinished) closedByClient++;
            });
            response.writeHead(200, { 'Content-Type': 'text/event-stream' });
            response.write('data: 1\n\n');
            releaseStream.push(() => response.end('data: 2\n\n'));
            request.resume();
          },
        },
        flood: {
          handle(_request, response) {
            const chunk = Buffer.alloc(65_536, 1);
            const more = (): void => {
              do flooded += chunk.length;
              while (response.write(chunk));
            };
            response.on('drain', more);
            more();
          },
        },
        refuse: {
          // Answers before it has read the body.
          handle: (_request, response) => void response.writeHead(413).end('too much'),
        },
        chat: {
          handle: (_request, response) => void response.writeHead(426).end('upgrade, please'),
          upgrade(request, socket) {
            socket.on('error', () => undefined);
            if (request.url === '/no')
              return void socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno');
            socket.write(
              'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n',
            );
            socket.pipe(socket);
          },
        },
      },
      { timeouts: { upstreamMs: 1000, idleMs: 60_000 } },
    );
    ({ port } = gateway);
    const names = [
      'echo',
      'status',
      'drop',
      'drop-late',
      'flaky',
      'slow',
      'stream',
      'flood',
      'refuse',
      'chat',
    ];
    await Promise.all(names.map((name) => gateway.deploy(name, name)));
  });
  after(() => gateway.close());
  beforeEach(() => {
    seen.length = 0;
  });

  it('hands on method, path, query and body byte for byte', async () => {
    for (const method of [
      'GET',
      'POST',
      'PUT',
      'PATCH',
      'DELETE',
      'OPTIONS',
      'TRACE',
      'PROPFIND',
    ]) {
      const path = '/a%2Fb//c/../%C3%A9;x?q=%20+1&&q';
      const body = method === 'TRACE' ? '' : `\x00${method}`;
      const answer = await send(port, `/function/echo${path}`, {
        method,
        headers: { 'content-length': body.length },
        body,
      });
      expect(answer.status, method).to.equal(200);
      expect(answer.body).to.equal(body);
      expect(seen.at(-1)).to.include({ method, url: path });
    }
  });

  it('takes the name with its namespace, and gives the function at least a slash', async () => {
    await send(port, '/function/echo.openfaas-fn');
    await send(port, '/function/echo?x=1');
    await send(port, '/function/echo/');
    expect(seen.map(({ url }) => url)).to.deep.equal(['/', '/?x=1', '/']);
  });

  it('answers HEAD without a body', async () => {
    const answer = await send(port, '/function/echo/x', { method: 'HEAD' });
    expect([answer.status, answer.body, seen[0]?.method]).to.deep.equal([200, '', 'HEAD']);
  });

  it('adds the headers of a call', async () => {
    const answer = await send(port, '/function/echo', { headers: { host: 'alice.example.com' } });
    const { headers } = seen[0] as Seen;
    expect(headers['x-call-id']).to.match(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab]/);
    expect(headers['x-forwarded-host']).to.equal('alice.example.com');
    expect(headers['x-forwarded-for']).to.match(/^127\.0\.0\.1:\d+$/);
    expect(Number(headers['x-start-time']) / 1e6).to.be.closeTo(Date.now(), 5000);
    expect(answer.headers['x-call-id']).to.equal(headers['x-call-id']);
    expect(answer.headers['x-start-time']).to.equal(headers['x-start-time']);
    expect(answer.headers['x-served-by']).to.equal('openfaas-cloud/1.2.3');
  });

  it('keeps what the caller said already', async () => {
    const given = {
      'X-Call-Id': 'c1',
      'X-Forwarded-Host': 'h',
      'X-Forwarded-For': 'f',
      'X-Start-Time': '7',
      Authorization: 'Bearer t',
    };
    const answer = await send(port, '/function/echo', { headers: given });
    const { headers, rawHeaders } = seen[0] as Seen;
    expect(headers).to.include({
      'x-call-id': 'c1',
      'x-forwarded-host': 'h',
      'x-forwarded-for': 'f',
      authorization: 'Bearer t',
    });
    expect(rawHeaders.filter((name) => name === 'X-Start-Time')).to.have.length(2);
    expect(answer.headers).not.to.have.property('x-call-id');
  });

  it('drops what belongs to a connection, both ways', async () => {
    const answer = await send(port, '/function/echo', {
      headers: {
        Connection: 'close, X-Secret-Hop',
        'X-Secret-Hop': '1',
        'Keep-Alive': 'timeout=1',
        TE: 'trailers',
        'Proxy-Authorization': 'p',
        'X-Kept': 'yes',
      },
    });
    const { headers } = seen[0] as Seen;
    expect(headers).to.include({ 'x-kept': 'yes' });
    for (const name of ['x-secret-hop', 'te', 'proxy-authorization']) {
      expect(headers, name).not.to.have.property(name);
    }
    expect(answer.headers).not.to.have.property('x-private');
    expect(answer.headers['set-cookie']).to.deep.equal(['a=1', 'b=2']);
    expect(answer.headers['x-caf']).to.equal('caf\u00e9');
  });

  it('does not let Connection remove the length of a body', async () => {
    const answer = await send(port, '/function/echo', {
      method: 'POST',
      headers: { Connection: 'close, content-length', 'Content-Length': 3 },
      body: 'abc',
    });
    expect(answer.body).to.equal('abc');
    expect(seen[0]?.headers['content-length']).to.equal('3');
  });

  it('passes redirects and errors on, and lets a function have its own call id', async () => {
    for (const code of [204, 302, 304, 404, 500, 503]) {
      const answer = await send(port, `/function/status/${code}`);
      expect(answer.status).to.equal(code);
      expect(answer.headers['x-call-id']).to.equal('mine');
    }
    const moved = await send(port, '/function/status/302');
    expect(moved.headers.location).to.equal('/elsewhere');
  });

  it('says 404 for a function nobody deployed, whatever its name', async () => {
    for (const name of [
      'nope',
      'nope.openfaas-fn',
      'echo.other',
      '__proto__',
      'constructor',
      '..a',
    ]) {
      const answer = await send(port, `/function/${name}`);
      expect(answer.status, name).to.equal(404);
      expect(answer.body, name).to.contain('error finding function');
    }
    expect(gateway.metrics.render()).not.to.contain('nope');
  });

  it('says 404 for a path that names no function', async () => {
    for (const path of ['/function/', '/function/%65cho', '/function/a%2fb', '/function/e+cho']) {
      expect((await send(port, path)).status, path).to.equal(404);
    }
  });

  it('says 502 when the function drops the connection', async () => {
    const answer = await send(port, '/function/drop', { method: 'POST', body: 'x' });
    expect([answer.status, answer.body]).to.deep.equal([502, '']);
    expect((await send(port, '/function/drop')).status).to.equal(502);
  });

  it('says 502 when the function does not answer in time', async () => {
    const answer = await send(port, '/function/slow');
    expect([answer.status, answer.body]).to.deep.equal([502, '']);
  });

  it('gives a slow upload its time', async () => {
    const outgoing = httpRequest({
      ...{ port, host: '127.0.0.1', path: '/function/echo', method: 'POST', agent: false },
    });
    const answered = once(outgoing, 'response');
    const start = performance.now();
    // Longer than the time limit of 1 s, but never silent for as long.
    for (let piece = 0; performance.now() - start < 1500; piece++) {
      outgoing.write(String(piece % 10));
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    outgoing.end();
    const [answer] = await answered;
    expect(answer.statusCode).to.equal(200);
    answer.resume();
  });

  it('breaks off an answer that broke off', async () => {
    const answer = await begin(port, '/function/drop-late');
    const failure = await once(answer.resume(), 'error').catch((error) => [error]);
    expect((failure[0] as NodeJS.ErrnoException).code).to.equal('ECONNRESET');
  });

  it('repeats a call on a lost connection only where that is safe', async () => {
    flaky = 0;
    expect((await send(port, '/function/flaky')).body).to.equal('second');
    flaky = 0;
    expect((await send(port, '/function/flaky', { method: 'POST' })).status).to.equal(502);
    expect(flaky).to.equal(1);
  });

  it('streams an answer as it comes', async () => {
    const answer = await begin(port, '/function/stream', {
      headers: { accept: 'text/event-stream' },
    });
    const chunks = answer[Symbol.asyncIterator]();
    expect(String((await chunks.next()).value)).to.equal('data: 1\n\n');
    releaseStream.pop()?.();
    expect(String((await chunks.next()).value)).to.equal('data: 2\n\n');
    expect((await chunks.next()).done).to.equal(true);
  });

  it('streams a body as it comes', async () => {
    const outgoing = httpRequest({
      port,
      host: '127.0.0.1',
      path: '/function/stream',
      method: 'POST',
      agent: false,
    });
    outgoing.write('first');
    const [answer] = await once(outgoing, 'response');
    const [chunk] = await once(answer, 'data');
    expect(String(chunk)).to.equal('data: 1\n\n');
    outgoing.end('last');
    releaseStream.pop()?.();
    answer.resume();
    await once(answer, 'end');
  });

  it('ends the call when the client leaves', async () => {
    closedByClient = 0;
    const answer = await begin(port, '/function/stream');
    await once(answer, 'data');
    expect(gateway.provider.leases('stream')).to.equal(1);
    answer.destroy();
    await eventually(() => expect(closedByClient).to.equal(1));
    await eventually(() => expect(gateway.provider.leases('stream')).to.equal(0));
  });

  it('does not run ahead of a slow client', async () => {
    const answer = await begin(port, '/function/flood');
    // The buffers on the way fill up, and then the function has to wait.
    let last = -1;
    await eventually(
      () => {
        const grown = flooded - last;
        last = flooded;
        expect(grown).to.equal(0);
      },
      { everyMs: 200 },
    );
    expect(flooded).to.be.below(32 * 1024 * 1024);
    answer.destroy();
    await eventually(() => expect(gateway.provider.leases('flood')).to.equal(0));
  });

  it('passes large bodies', async () => {
    const body = Buffer.alloc(20 * 1024 * 1024, 'x');
    const answer = await send(port, '/function/echo', { method: 'POST', body });
    expect(answer.body.length).to.equal(body.length);
  });

  it('gives an answer that came before the body was read', async () => {
    const answer = await begin(
      port,
      '/function/refuse',
      { method: 'POST', headers: { 'content-length': 5_000_000 } },
      Buffer.alloc(100),
    );
    expect(answer.statusCode).to.equal(413);
    expect(answer.headers.connection).to.equal('close');
    answer.resume();
  });

  it('answers Expect: 100-continue itself', async () => {
    const text = await sendRaw(
      port,
      'POST /function/echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi',
    );
    expect(text).to.match(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
    expect(seen[0]?.headers).not.to.have.property('expect');
  });

  it('refuses a request that could be read in two ways', async () => {
    const text = await sendRaw(
      port,
      'POST /function/echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /function/status/200 HTTP/1.1\r\n\r\n',
    );
    expect(text).to.match(/^HTTP\/1\.1 400 /);
    expect(seen).to.deep.equal([]);
  });

  it('starts a function at zero once for all who call', async () => {
    await gateway.deploy('cold', 'echo');
    await gateway.api('POST', '/system/scale-function/cold', { replicas: 0 });
    const started = gateway.provider.starts('cold');
    const answers = await Promise.all([1, 2, 3].map(() => send(port, '/function/cold')));
    expect(answers.map(({ status }) => status)).to.deep.equal([200, 200, 200]);
    expect(gateway.provider.starts('cold') - started).to.equal(1);
  });

  it('gives every lease back', async () => {
    await eventually(() => {
      for (const name of ['echo', 'status', 'drop', 'slow', 'flaky']) {
        expect(gateway.provider.leases(name), name).to.equal(0);
      }
    });
  });

  describe('upgrades', () => {
    const handshake = (path: string, more = '') =>
      `GET ${path} HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${more}\r\n`;

    it('joins both ends', async () => {
      const socket = connect(port, '127.0.0.1');
      socket.write(`${handshake('/function/chat/room')}early`);
      socket.setEncoding('latin1');
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk;
      });
      await eventually(() =>
        expect(text).to.match(/^HTTP\/1\.1 101 [\s\S]*Sec-WebSocket-Accept: x\r\n\r\nearly$/),
      );
      socket.write(' late');
      await eventually(() => expect(text).to.match(/early late$/));
      expect(gateway.provider.leases('chat')).to.equal(1);
      socket.destroy();
      await eventually(() => expect(gateway.provider.leases('chat')).to.equal(0));
    });

    it('hands a refusal back', async () => {
      expect(await sendRaw(port, handshake('/function/chat/no'))).to.match(
        /^HTTP\/1\.1 403 [\s\S]*no$/,
      );
    });

    it('gives the plain answer of a function that does not upgrade', async () => {
      const text = await sendRaw(port, handshake('/function/status/200'));
      expect(text).to.match(/^HTTP\/1\.1 200 /);
      expect(text).to.match(/x-call-id: mine/i);
    });

    it('knows no upgrades elsewhere', async () => {
      expect(await sendRaw(port, handshake('/system/functions'))).to.match(/^HTTP\/1\.1 404 /);
      expect(await sendRaw(port, handshake('/function/nope'))).to.match(/^HTTP\/1\.1 404 /);
      expect(await sendRaw(port, handshake('/function/drop'))).to.match(/^HTTP\/1\.1 502 /);
      expect(await sendRaw(port, handshake('/function/chat', 'Content-Length: 3\r\n'))).to.match(
        /^HTTP\/1\.1 400 /,
      );
    });
  });
});
