import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { expect } from 'chai';
import {
  type ConnectionWatch,
  watchConnections,
} from '../../template/node-ts/runtime/connection-watch.ts';

const request = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';

describe('template/node-ts/runtime/connection-watch', () => {
  let server: Server;
  let watch: ConnectionWatch;
  const clients: Socket[] = [];

  async function start(listener: RequestListener, idleMs: number, stallMs: number): Promise<void> {
    server = createServer({ keepAliveTimeout: 0 }, (request, response) => {
      watch.serving(response);
      listener(request, response);
    });
    watch = watchConnections(server, { idleMs, stallMs });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  }

  /** A connection, and the bytes that it got. */
  async function open(): Promise<{ socket: Socket; received: () => number }> {
    const { port } = server.address() as AddressInfo;
    const socket = connect(port, '127.0.0.1').on('error', () => undefined);
    clients.push(socket);
    let received = 0;
    socket.on('data', ({ length }) => {
      received += length;
    });
    await once(socket, 'connect');
    return { socket, received: () => received };
  }

  const msSince = async (socket: Socket, began: number) => {
    await once(socket, 'close');
    return performance.now() - began;
  };

  afterEach(() => {
    for (const socket of clients.splice(0)) socket.destroy();
    server.close();
  });

  it('closes a connection that is idle after an answer, not before its time', async () => {
    await start((_, response) => response.end('x'), 200, 10_000);
    const { socket, received } = await open();
    socket.write(request);
    await once(socket, 'data');
    const began = performance.now();
    expect(await msSince(socket, began)).to.be.at.least(190);
    expect(received()).to.be.above(0);
  });

  it('counts the time anew with each request', async () => {
    await start((_, response) => response.end('x'), 300, 10_000);
    const { socket } = await open();
    const began = performance.now();
    for (let i = 0; i < 4; i++) {
      socket.write(request);
      await once(socket, 'data');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(await msSince(socket, began)).to.be.at.least(600);
  });

  it('leaves a connection alone whose request waits for its handler', async () => {
    await start((_, response) => void setTimeout(() => response.end('late'), 500), 100, 100);
    const { socket } = await open();
    socket.write(request);
    const [text] = await once(socket, 'data');
    expect(String(text)).to.match(/late$/);
  });

  it('closes a connection whose caller takes nothing of its answer', async () => {
    await start((_, response) => void response.end(Buffer.alloc(64 * 1024 * 1024)), 10_000, 200);
    const { socket } = await open();
    const taken = once(server, 'connection');
    socket.write(request);
    socket.pause();
    const [theirs] = (await Promise.race([taken, once(server, 'request')])) as [{ socket: Socket }];
    const other = 'socket' in theirs ? theirs.socket : (theirs as Socket);
    const began = performance.now();
    expect(await msSince(other, began)).to.be.at.least(190);
  });

  it('lets a caller take its time who takes something now and then', async () => {
    const size = 4 * 1024 * 1024;
    await start((_, response) => void response.end(Buffer.alloc(size)), 10_000, 400);
    const { socket, received } = await open();
    socket.write(request);
    let until = 0;
    while (received() < size && !socket.destroyed) {
      until += size / 8;
      while (received() < Math.min(until, size)) await once(socket, 'data');
      socket.pause();
      await new Promise((resolve) => setTimeout(resolve, 100));
      socket.resume();
    }
    expect(received()).to.be.at.least(size);
  });

  it('closes connections as they fall idle once the server ends', async () => {
    await start((_, response) => void setTimeout(() => response.end('x'), 200), 10_000, 10_000);
    const { socket } = await open();
    const served = once(server, 'request');
    socket.write(request);
    await served;
    server.close();
    server.keepAliveTimeout = 1;
    await once(socket, 'close');
  });

  it('forgets a connection that has another protocol now', async () => {
    await start((_, response) => response.end('x'), 100, 100);
    const [kept, other] = [await open(), await open()];
    const served = once(server, 'request');
    kept.socket.write(request);
    const [{ socket: theirs }] = (await served) as [{ socket: Socket }];
    watch.forget(theirs);
    other.socket.write(request);
    await once(other.socket, 'close');
    expect(theirs.destroyed).to.equal(false);
  });
});
