import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { expect } from 'chai';
import { writePieces } from '#shared/router/write-pieces.ts';
import { listen, type TestServer } from '../../helpers/listen.ts';

const kib = 1024;

describe('writePieces', () => {
  let server: TestServer;
  const responses: ServerResponse[] = [];
  const clients: Socket[] = [];

  beforeEach(async () => {
    server = await listen((_, response) => {
      response.on('error', () => undefined);
      response.writeHead(200, { connection: 'close' });
      responses.push(response);
    });
  });

  afterEach(async () => {
    for (const socket of clients.splice(0)) socket.destroy();
    responses.length = 0;
    await server.close();
  });

  /** A client that reads nothing until it is told, and the response to it. */
  async function open(): Promise<{ response: ServerResponse; client: Socket }> {
    const client = connect(server.port, '127.0.0.1').on('error', () => undefined);
    clients.push(client);
    const known = responses.length;
    client.write('GET / HTTP/1.0\r\n\r\n');
    while (responses.length === known) await new Promise(setImmediate);
    return { response: responses[known] as ServerResponse, client };
  }

  async function bodyOf(client: Socket): Promise<string> {
    let text = '';
    client.setEncoding('latin1').on('data', (piece: string) => {
      text += piece;
    });
    await once(client, 'close');
    return text.slice(text.indexOf('\r\n\r\n') + 4);
  }

  it('sends what the pieces held, although their memory is used again at once', async () => {
    const memory = Buffer.alloc(64 * kib);
    const open1 = await open();
    const open2 = await open();
    let [text1, text2] = ['', ''];
    for (let i = 0; i < 60; i++) {
      for (const size of [1, 5 * kib, 64 * kib]) {
        memory.fill(65 + (i % 26));
        const halves = [memory.subarray(0, size >> 1), memory.subarray(size >> 1, size)];
        writePieces(open1.response, halves);
        text1 += memory.toString('latin1', 0, size);
        memory.fill(97 + (i % 26));
        writePieces(open2.response, [memory.subarray(0, size)]);
        text2 += memory.toString('latin1', 0, size);
        memory.fill(0);
      }
    }
    open1.response.end();
    open2.response.end();
    expect((await bodyOf(open1.client)) === text1).to.equal(true);
    expect((await bodyOf(open2.client)) === text2).to.equal(true);
  });

  it('mixes nothing up when a connection broke with parts on their way', async () => {
    const part = Buffer.alloc(64 * kib, 'x');
    const broken = await open();
    while (writePieces(broken.response, [part]));
    for (let i = 0; i < 50; i++) writePieces(broken.response, [part]);
    broken.client.resetAndDestroy();
    await once(broken.response, 'close');

    const { response, client } = await open();
    const body = bodyOf(client);
    for (let i = 0; i < 500; i++) {
      if (!writePieces(response, [Buffer.from(part).fill(65 + (i % 26))]))
        await once(response, 'drain');
    }
    response.end();
    const text = await body;
    for (let i = 0; i < 500; i++) {
      const here = text.slice(i * 64 * kib, (i + 1) * 64 * kib);
      expect(
        new Set(here).size === 1 && here.charCodeAt(0) === 65 + (i % 26),
        `part ${i}`,
      ).to.equal(true);
    }
  });
});
