import { expect } from 'chai';
import { buildStage, type Stage } from '../functions/of-router/stage.ts';
import { sendRaw } from '../helpers/http-client.ts';

const host = 'X-Forwarded-Host: alice.example.com';
const many = (count: number, line: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => line(i));
const label = (length: number) => `X-Forwarded-Host: ${'a'.repeat(length)}.example.com`;

/** What is too long, what is just not, and the status; 0: the connection is closed without a function's answer. */
const table: [what: string, line: string, headers: string[], status: number][] = [
  ['a path of 8192 characters', `GET /hello/${'a'.repeat(8185)} HTTP/1.1`, [host], 200],
  ['a path of 8193 characters', `GET /hello/${'a'.repeat(8186)} HTTP/1.1`, [host], 414],
  ['a query that makes the target 8193', `GET /hello?${'a'.repeat(8186)} HTTP/1.1`, [host], 414],
  ['a target beyond every limit', `GET /${'a'.repeat(100_000)} HTTP/1.1`, [host], 431],
  ['8000 segments', `GET /hello${'/'.repeat(4000)} HTTP/1.1`, [host], 400],
  ['encodings in encodings', `GET /hello/%${'25'.repeat(3000)}2e HTTP/1.1`, [host], 400],
  ['a method of 200 letters', `${'A'.repeat(200)} /hello HTTP/1.1`, [host], 400],
  ['a label of 63 characters, which nobody has', 'GET /hello HTTP/1.1', [label(63)], 404],
  ['a label of 64 characters', 'GET /hello HTTP/1.1', [label(64)], 400],
  [
    'a host of 300 characters',
    'GET /hello HTTP/1.1',
    [`X-Forwarded-Host: ${'a.'.repeat(150)}example.com`],
    400,
  ],
  ['a port of 6 digits', 'GET /hello HTTP/1.1', [`${host}:123456`], 400],
  ['a header of 20,000 bytes', 'GET /hello HTTP/1.1', [host, `A: ${'b'.repeat(20_000)}`], 431],
  ['a name of 20,000 bytes', 'GET /hello HTTP/1.1', [host, `${'b'.repeat(20_000)}: a`], 431],
  ['300 headers', 'GET /hello HTTP/1.1', [host, ...many(300, (i) => `a${i}: b`)], 200],
  ['5000 headers', 'GET /hello HTTP/1.1', [host, ...many(5000, (i) => `a${i}: b`)], 431],
  ['a host behind 2500 headers', 'GET /hello HTTP/1.1', [...many(2500, () => 'a:'), host], 400],
  [
    'a length of 30 digits',
    'POST /hello HTTP/1.1',
    [host, `Content-Length: ${'9'.repeat(30)}`],
    400,
  ],
  ['a chunk size of 30 digits', 'POST /hello HTTP/1.1', [host, 'Transfer-Encoding: chunked'], 0],
];

describe('over-long everything, sent to of-router', () => {
  let stage: Stage;
  before(async () => {
    stage = await buildStage();
  });
  after(() => stage.close());

  for (const [what, line, headers, status] of table) {
    it(`${what}: ${status || 'nothing reaches a function whole'}`, async () => {
      const before = stage.seen.length;
      const body = status === 0 ? `${'f'.repeat(30)}\r\nx` : '';
      const lines = [line, 'Host: x', 'Connection: close', ...headers];
      const answer = await sendRaw(stage.port, `${lines.join('\r\n')}\r\n\r\n${body}`).catch(
        () => '',
      );
      if (status === 0) {
        expect(answer).to.not.match(/^HTTP\/1\.1 2/);
        expect(
          stage.seen
            .slice(before)
            .map((seen) => seen.body)
            .join(''),
        ).to.equal('');
        return;
      }
      expect(answer).to.match(new RegExp(`^HTTP/1\\.1 ${status} `));
      expect(stage.seen.length - before).to.equal(status === 200 ? 1 : 0);
    });
  }

  it('a session cookie of 100,000 bytes is nobody’s', async () => {
    const closed = await buildStage({
      annotations: { 'alice-hello': { 'com.openfaas.cloud.auth': 'owner' } },
      auth: (request, response) => {
        const shown = request.headers['x-cloud-session'];
        const body =
          shown === undefined
            ? { allow: false, cacheSeconds: 0, status: 401, reason: 'sign-in', message: 'Sign in.' }
            : { allow: true, cacheSeconds: 0 };
        response.end(JSON.stringify(body));
      },
    });
    const cookie = (length: number) => `Cookie: __Host-ofc_session=${'a'.repeat(length)}`;
    const ask = (length: number) =>
      sendRaw(
        closed.port,
        `GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${host}\r\n${cookie(length)}\r\n\r\n`,
      );
    expect(await ask(4096)).to.match(/^HTTP\/1\.1 200 /);
    expect(await ask(4097)).to.match(/^HTTP\/1\.1 401 /);
    await closed.close();
  });
});
