import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { expect } from 'chai';
import { eventually } from '../../helpers/eventually.ts';
import { begin, send, sendRaw } from '../../helpers/http-client.ts';
import { buildStage, type Stage, toAlice } from './stage.ts';

const mebibyte = Buffer.alloc(1024 * 1024, 'x');

describe('of-router streaming', () => {
  let stage: Stage | undefined;
  afterEach(() => stage?.close());

  it('passes headers and each part on at once', async () => {
    let upstream: ServerResponse | undefined;
    stage = await buildStage({
      answer: (_, response) => {
        upstream = response;
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.flushHeaders();
      },
    });
    const answer = await begin(stage.port, '/hello', toAlice);
    expect(answer.headers['content-type']).to.equal('text/event-stream');
    for (const part of ['data: 1\n\n', 'data: 2\n\n']) {
      upstream?.write(part);
      const [chunk] = (await once(answer, 'data')) as [Buffer];
      expect(chunk.toString()).to.equal(part);
    }
    upstream?.end();
    answer.resume();
    await once(answer, 'end');
  });

  it('streams request and answer at the same time', async () => {
    stage = await buildStage({ answer: (request, response) => request.pipe(response) });
    const outgoing = httpRequest({
      port: stage.port,
      host: '127.0.0.1',
      path: '/hello',
      method: 'POST',
      ...toAlice,
    });
    outgoing.write('first');
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
    const parts: string[] = [];
    for await (const part of answer) {
      parts.push(String(part));
      if (parts.length === 1) outgoing.end('second');
    }
    expect(parts).to.deep.equal(['first', 'second']);
  });

  it('carries 200 MB both ways in little memory', async function () {
    this.timeout(60_000);
    stage = await buildStage({ answer: (request, response) => request.pipe(response) });
    const outgoing = httpRequest({
      port: stage.port,
      host: '127.0.0.1',
      path: '/hello',
      method: 'POST',
      headers: { ...toAlice.headers, 'content-length': 200 * mebibyte.length },
    });
    const before = process.memoryUsage().rss;
    let peak = 0;
    const send = async () => {
      for (let i = 0; i < 200; i++) {
        if (!outgoing.write(mebibyte)) await once(outgoing, 'drain');
        peak = Math.max(peak, process.memoryUsage().rss);
      }
      outgoing.end();
    };
    const sending = send();
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
    let size = 0;
    for await (const chunk of answer) size += (chunk as Buffer).length;
    await sending;
    expect(size).to.equal(200 * mebibyte.length);
    expect((peak - before) / mebibyte.length).to.be.lessThan(100);
  });

  it('holds the function back while the visitor does not read', async () => {
    let written = 0;
    stage = await buildStage({
      answer: async (_, response) => {
        for (let i = 0; i < 100; i++) {
          written = i + 1;
          if (!response.write(mebibyte)) await once(response, 'drain').catch(() => undefined);
          if (response.destroyed) return;
        }
        response.end();
      },
    });
    const answer = await begin(stage.port, '/hello', toAlice);
    let last = -1;
    const stalled = await eventually(
      () => {
        const moved = written !== last;
        last = written;
        if (moved) throw new Error('still moving');
        return written;
      },
      { everyMs: 300 },
    );
    expect(stalled).to.be.lessThan(30);
    let size = 0;
    for await (const chunk of answer) size += (chunk as Buffer).length;
    expect(size).to.equal(100 * mebibyte.length);
  });

  it('aborts the function when the visitor leaves, before and during the answer', async () => {
    const closed: boolean[] = [];
    stage = await buildStage({
      answer: (request, response) => {
        response.on('close', () => closed.push(response.writableFinished));
        if (request.url?.endsWith('/slow') === false) response.write('part');
      },
    });
    const answer = await begin(stage.port, '/hello', toAlice);
    answer.destroy();
    const waiting = httpRequest({ port: stage.port, path: '/hello/slow', ...toAlice });
    waiting.on('error', () => undefined);
    waiting.end();
    await eventually(() => expect(stage?.seen).to.have.length(2));
    waiting.destroy();
    await eventually(() => expect(closed).to.deep.equal([false, false]));
    await eventually(() => expect(stage?.lines.join()).to.match(/gone.*gone/s));
  });

  it('aborts an upload whose visitor leaves', async () => {
    let aborted = false;
    stage = await buildStage({
      answer: (request) => {
        request.on('error', () => {
          aborted = true;
        });
        request.resume();
      },
    });
    const upload = httpRequest({ port: stage.port, path: '/hello', method: 'POST', ...toAlice });
    upload.on('error', () => undefined);
    upload.write('part');
    await eventually(() => expect(stage?.seen).to.have.length(1));
    upload.destroy();
    await eventually(() => expect(aborted).to.equal(true));
  });

  it('says 502 if the function fails before it answers, also during an upload', async () => {
    stage = await buildStage({ answer: (request) => request.socket.destroy() });
    expect((await send(stage.port, '/hello', toAlice)).status).to.equal(502);
    const upload = { ...toAlice, method: 'POST', body: mebibyte };
    expect((await send(stage.port, '/hello', upload)).status).to.equal(502);
  });

  it('breaks the connection if the function fails half-way', async () => {
    stage = await buildStage({
      answer: (_, response) => {
        response.write('part', () => response.destroy());
      },
    });
    const answer = await begin(stage.port, '/hello', toAlice);
    let failure: unknown;
    try {
      for await (const _ of answer);
    } catch (error) {
      failure = error;
    }
    expect(failure).to.have.property('code', 'ECONNRESET');
    await eventually(() => expect(stage?.lines.join()).to.contain('"ended":"cut"'));
  });

  it('says 408 to an upload that stops half-way, and gives the function up', async () => {
    let gone = false;
    stage = await buildStage({
      config: { timeoutMs: 300 },
      answer: (request) => {
        request.on('data', () => undefined);
        request.on('close', () => {
          gone = true;
        });
      },
    });
    const heads = {
      'a body with a length': 'Content-Length: 10\r\n\r\nhalf',
      'a chunked body': 'Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n',
    };
    for (const [what, rest] of Object.entries(heads)) {
      gone = false;
      const answer = await sendRaw(
        stage.port,
        `POST /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Forwarded-Host: alice.example.com\r\n${rest}`,
      );
      expect(answer, what).to.match(/^HTTP\/1\.1 408 /);
      await eventually(() => expect(gone, what).to.equal(true));
    }
  });

  it('says 504 if the answer does not begin in time', async () => {
    stage = await buildStage({ answer: () => undefined, config: { timeoutMs: 300 } });
    expect((await send(stage.port, '/hello', toAlice)).status).to.equal(504);
  });

  it("replaces the gateway's own failures, and leaves the function's", async () => {
    let status = 500;
    let internal = 'proxy';
    stage = await buildStage({
      answer: (_, response) =>
        response
          .writeHead(status, { 'x-openfaas-internal': internal })
          .end("Can't reach service for: alice-hello."),
    });
    for (const [from, to] of [
      [500, 502],
      [502, 502],
      [503, 503],
      [504, 504],
      [404, 404],
      [429, 429],
    ] as const) {
      status = from;
      const answer = await send(stage.port, '/hello', toAlice);
      expect(answer.status).to.equal(to);
      expect(answer.body).to.contain('"error"').and.not.contain('alice-hello');
    }
    internal = 'of-watchdog';
    expect((await send(stage.port, '/hello', toAlice)).body).to.contain('alice-hello');
  });

  it('keeps HEAD, 204, 304 and lengths as they are', async () => {
    stage = await buildStage({
      answer: (request, response) => {
        const [, status = '200'] = /(\d+)$/.exec(request.url ?? '') ?? [];
        if (status === '200') response.setHeader('content-length', 5);
        response.writeHead(Number(status), { etag: '"x"' });
        response.end(status === '200' ? 'hello' : undefined);
      },
    });
    const head = await send(stage.port, '/hello/200', { ...toAlice, method: 'HEAD' });
    expect(head).to.deep.include({ status: 200, body: '' });
    expect(head.headers['content-length']).to.equal('5');
    expect((await send(stage.port, '/hello/200', toAlice)).headers['content-length']).to.equal('5');
    for (const status of [204, 304]) {
      const answer = await send(stage.port, `/hello/${status}`, toAlice);
      expect(answer).to.deep.include({ status, body: '' });
      expect(answer.headers).to.include({ etag: '"x"' });
      expect(answer.headers).to.not.have.any.keys('transfer-encoding', 'content-length');
    }
  });

  it('takes bodies with a length, in chunks, and after 100-continue', async () => {
    stage = await buildStage();
    const head = 'POST /hello HTTP/1.1\r\nHost: x\r\nX-Forwarded-Host: alice.example.com\r\n';
    const { port } = stage;
    await sendRaw(port, `${head}Connection: close\r\nContent-Length: 3\r\n\r\nabc`);
    await sendRaw(
      port,
      `${head}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`,
    );
    const answer = await sendRaw(
      port,
      `${head}Connection: close\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc`,
    );
    expect(answer).to.match(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 OK/);
    const headers = { ...toAlice.headers, 'content-length': 3 };
    await send(port, '/hello', { headers, method: 'DELETE', body: 'abc' });
    expect(stage.seen.map(({ body }) => body)).to.deep.equal(['abc', 'abc', 'abc', 'abc']);
  });
});
