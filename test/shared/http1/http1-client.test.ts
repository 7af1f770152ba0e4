import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { expect } from 'chai';
import { createHttp1Client, type Exchange, type Http1Client } from '#shared/http1/http1-client.ts';
import type { Http1Error } from '#shared/http1/http1-error.ts';
import type { RequestBody } from '#shared/http1/request-head.ts';
import { eventually } from '../../helpers/eventually.ts';

const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** A server that does to each request what the test says. */
interface Peer {
  readonly server: Server;
  readonly port: number;
  readonly sockets: Socket[];
  /** What came in, all connections together. */
  received: string;
}

async function listen(onData: (socket: Socket, text: string, nth: number) => void): Promise<Peer> {
  const peer = { sockets: [] as Socket[], received: '' };
  const server = createServer((socket) => {
    peer.sockets.push(socket);
    let nth = 0;
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      peer.received += bytes.toString('latin1');
      onData(socket, bytes.toString('latin1'), nth++);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return Object.assign(peer, { server, port: (server.address() as AddressInfo).port });
}

interface Outcome {
  readonly body: string;
  readonly status: number;
  readonly failure: string | undefined;
}

function call(
  client: Http1Client,
  method = 'GET',
  body: RequestBody = 'none',
  use: (exchange: Exchange) => void = () => undefined,
  value = 'b',
): Promise<Outcome> {
  return new Promise((resolve) => {
    let [status, text] = [0, ''];
    const request = { method, path: '/x', headers: ['a', value], body, timeoutMs: 500 };
    use(
      client.request(request, {
        onPart(part) {
          status = part.head?.status ?? status;
          for (const piece of part.data) text += piece.toString('latin1');
          if (part.done) resolve({ status, body: text, failure: undefined });
          return true;
        },
        onDrain: () => undefined,
        onFailure: ({ failure }: Http1Error) => resolve({ status, body: text, failure }),
      }),
    );
  });
}

const ok = { status: 200, body: 'ok', failure: undefined };

describe('createHttp1Client', () => {
  let peer: Peer;
  let client: Http1Client;
  const start = async (onData: Parameters<typeof listen>[0], idleMs = 5000) => {
    peer = await listen(onData);
    client = createHttp1Client({ origin: new URL(`http://127.0.0.1:${peer.port}`), idleMs });
  };
  afterEach(() => {
    client.close();
    for (const socket of peer.sockets) socket.destroy();
    peer.server.close();
  });

  it('keeps a connection for the next request', async () => {
    await start((socket) => socket.write(answer));
    for (let i = 0; i < 3; i++) expect(await call(client)).to.deep.equal(ok);
    expect(peer.sockets).to.have.length(1);
    expect(peer.received).to.match(
      /^(?:GET \/x HTTP\/1\.1\r\nhost: 127\.0\.0\.1:\d+\r\na: b\r\n\r\n){3}$/,
    );
  });

  it('opens as many connections as there are requests at once', async () => {
    await start((socket) => setImmediate(() => socket.write(answer)));
    const all = await Promise.all(Array.from({ length: 10 }, () => call(client)));
    expect(all).to.deep.equal(Array.from({ length: 10 }, () => ok));
    expect(peer.sockets).to.have.length(10);
  });

  it('keeps the answers of connections apart, though they are read into the same memory', async () => {
    await start((socket, text) => {
      const body = (/a: (\w)/.exec(text)?.[1] ?? '').repeat(100_000);
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n${body.slice(0, 50_000)}`);
      setImmediate(() => socket.write(body.slice(50_000)));
    });
    const bodies = await Promise.all(
      [...'abcdefgh'].map((letter) => call(client, 'GET', 'none', () => undefined, letter)),
    );
    expect(bodies.map(({ body }) => [...new Set(body)].join(''))).to.deep.equal([...'abcdefgh']);
    expect(bodies.every(({ body }) => body.length === 100_000)).to.equal(true);
  });

  it('gives up on a connection that is not completed', async () => {
    await start(() => undefined);
    client.close();
    // TLS, to a server that says nothing.
    const origin = new URL(`https://localhost:${peer.port}`);
    client = createHttp1Client({ origin, connectTimeoutMs: 100 });
    const began = performance.now();
    expect((await call(client)).failure).to.equal('timeout');
    expect(performance.now() - began).to.be.within(95, 450);
  });

  for (const method of ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']) {
    it(`sends ${method} again, once, where a kept connection was lost`, async () => {
      await start((socket, _, nth) => {
        if (nth === 1 || peer.sockets.length > 1) socket.destroy();
        else socket.write(answer);
      });
      expect(await call(client)).to.deep.equal(ok);
      expect((await call(client, method)).failure).to.equal('lost');
      expect(peer.sockets).to.have.length(2);
      expect(peer.received.match(/\/x/g)).to.have.length(3);
    });
  }

  it('has the answer of the second try', async () => {
    await start((socket, _, nth) => (nth === 1 ? socket.resetAndDestroy() : socket.write(answer)));
    await call(client);
    expect(await call(client)).to.deep.equal(ok);
  });

  const never: Record<string, () => Promise<Outcome>> = {
    'a POST': () => call(client, 'POST'),
    'a PATCH': () => call(client, 'PATCH'),
    'a PUT with a body': () =>
      call(client, 'PUT', 3, (exchange) => {
        exchange.write(Buffer.from('abc'));
        exchange.end();
      }),
  };
  for (const [what, send] of Object.entries(never)) {
    it(`never sends ${what} again`, async () => {
      await start((socket, _, nth) => (nth > 0 ? socket.destroy() : socket.write(answer)));
      await call(client);
      expect((await send()).failure).to.equal('lost');
      expect(peer.sockets).to.have.length(1);
    });
  }

  it('never sends anything again on a new connection, or once an answer had begun', async () => {
    await start((socket, _, nth) => {
      if (peer.sockets.length === 1 && nth === 0) socket.write(answer);
      else socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok');
    });
    await call(client);
    expect(await call(client)).to.deep.equal({ status: 200, body: 'ok', failure: 'lost' });
    expect(peer.sockets).to.have.length(1);
    expect((await call(client)).failure).to.equal('lost');
    expect(peer.sockets).to.have.length(2);
  });

  it('says if there is nobody', async () => {
    await start(() => undefined);
    peer.server.close();
    await once(peer.server, 'close');
    expect((await call(client)).failure).to.equal('connect');
  });

  it('drops a connection on which something came unasked', async () => {
    await start((socket) => socket.write(answer + answer));
    expect(await call(client)).to.deep.equal(ok);
    expect(await call(client)).to.deep.equal(ok);
    expect(peer.sockets).to.have.length(2);
  });

  it('drops a connection on which something comes while it is idle', async () => {
    await start((socket) => socket.write(answer));
    await call(client);
    const [first] = peer.sockets;
    first?.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil');
    await once(first as Socket, 'close');
    expect(await call(client)).to.deep.equal(ok);
    expect(peer.sockets).to.have.length(2);
  });

  it('does not use a connection again whose request was not sent to its end', async () => {
    await start((socket) => socket.write(answer));
    expect(
      await call(client, 'POST', 10, (exchange) => void exchange.write(Buffer.from('abc'))),
    ).to.deep.equal(ok);
    expect(await call(client)).to.deep.equal(ok);
    expect(peer.sockets).to.have.length(2);
  });

  it('leaves the connection to the next one if told to give up too late', async () => {
    await start((socket) => socket.write(answer));
    let first: Exchange | undefined;
    await call(client, 'GET', 'none', (exchange) => {
      first = exchange;
    });
    const second = call(client);
    first?.abort();
    first?.write(Buffer.from('x'));
    expect(await second).to.deep.equal(ok);
    expect(peer.received).to.match(/^(?:GET .*?\r\n\r\n){2}$/s);
  });

  it('closes what is idle for too long', async () => {
    await start((socket) => socket.write(answer), 50);
    await call(client);
    await once(peer.sockets[0] as Socket, 'close');
  });

  it('gives up on an answer that does not go on', async () => {
    await start((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok'));
    expect(await call(client)).to.deep.equal({ status: 200, body: 'ok', failure: 'timeout' });
    await eventually(() => expect(peer.sockets[0]?.closed).to.equal(true));
  });

  it('frames bodies in chunks, without empty ones', async () => {
    await start((socket, text) => {
      if (text.includes('0\r\n\r\n')) socket.write(answer);
    });
    const done = await call(client, 'POST', 'chunked', (exchange) => {
      for (const piece of ['abc', '', 'x'.repeat(16)]) exchange.write(Buffer.from(piece));
      exchange.end();
    });
    expect(done).to.deep.equal(ok);
    expect(peer.received).to.match(
      /transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n10\r\nx{16}\r\n0\r\n\r\n$/,
    );
  });

  it('sends nothing that could be read as something else', async () => {
    await start((socket) => socket.write(answer));
    const handler = { onPart: () => true, onDrain: () => undefined, onFailure: () => undefined };
    const usual = {
      method: 'GET',
      path: '/',
      headers: [] as string[],
      body: 'none',
      timeoutMs: 9,
    } as const;
    for (const odd of [
      { method: 'GET /evil HTTP/1.1\r\nx:' },
      { path: '/ HTTP/1.1\r\nX: 1' },
      { path: '/a b' },
      { path: 'http://evil/' },
      { path: '/é' },
      { headers: ['x', '1\r\nEvil: 1'] },
      { headers: ['x', '1\nEvil: 1'] },
      { headers: ['x', '1\0'] },
      { headers: ['x', '\u010a'] },
      { headers: ['x: 1\r\nevil', '1'] },
      { headers: ['', '1'] },
    ]) {
      expect(() => client.request({ ...usual, ...odd }, handler), JSON.stringify(odd)).to.throw();
    }
    expect(peer.received).to.equal('');
  });
});
