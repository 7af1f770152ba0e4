import { expect } from 'chai';
import { eventually } from '../helpers/eventually.ts';
import {
  type BuiltFunction,
  buildFunction,
  call,
  type FunctionProcess,
} from './helpers/function-process.ts';

const handler = `
import { Readable } from 'node:stream';

class CloudError extends Error {
  constructor(status, message) { super(message); this.name = 'CloudError'; this.status = status;
    this.code = 'OFC_' + status; this.hint = 'Try again.'; }
  get text() { return this.message; }
}
async function* broken(first) { if (first) yield first; throw new Error('secret stream fault'); }

const routes = {
  '/echo': (event) => ({ ...event, rawBody: event.rawBody.toString('latin1'),
    body: Buffer.isBuffer(event.body) ? 'Buffer' : event.body, kind: typeof event.body }),
  '/object': () => ({ a: 1 }), '/array': () => [1, 2], '/number': () => 42, '/boolean': () => false,
  '/text': () => 'plain', '/nothing': () => undefined, '/null': () => null,
  '/buffer': () => Buffer.from([0, 255]), '/bytes': () => new Uint8Array([65, 66]),
  '/stream': () => Readable.from(['one ', 'two']),
  '/web-stream': () => new Blob(['web']).stream(),
  '/broken-early': () => Readable.from(broken()),
  '/broken-late': () => Readable.from(broken('begun')),
  '/typed': (event, context) => context.status(201).headers({ 'content-type': 'text/csv', 'Set-Cookie': ['a=1', 'b=2'] }).succeed('a,b'),
  '/no-content': (event, context) => context.status(204).succeed(),
  '/twice': (event, context) => { context.succeed('first'); context.succeed('second'); throw new Error('after the end'); },
  '/fail-value': (event, context) => context.fail({ reason: 'mine' }),
  '/fail-error': (event, context) => context.fail(new Error('secret detail')),
  '/fail-shown': (event, context) => context.status(422).fail(new Error('name is missing')),
  '/throw': () => { throw new Error('secret detail', { cause: new Error('deep cause') }); },
  '/reject': () => Promise.reject('secret text'),
  '/cloud-user': () => { throw new CloudError(409, 'Somebody was first.'); },
  '/cloud-server': () => { throw new CloudError(502, 'secret upstream'); },
  '/bad-header': (event, context) => context.headers({ 'x-a': 'b\\r\\nX-Injected: 1' }).succeed('x'),
  '/bad-status': (event, context) => context.status(42).succeed('x'),
  '/circular': () => { const a = {}; a.a = a; return a; },
  '/log': (event, context) => { context.log.info('from the handler', { n: 1 }); return context.callId; },
};
export default (event, context) => (routes[event.path] ?? routes['/echo'])(event, context);
`;

describe('template/node-ts: classic handlers', () => {
  let built: BuiltFunction;
  let fn: FunctionProcess;

  before(async () => {
    built = await buildFunction({ 'handler.mjs': handler });
    fn = await built.start({ MAX_RAW_SIZE: '1mb', MAX_JSON_SIZE: '100kb', exec_timeout: '5s' });
  });
  after(async () => {
    await fn.kill();
    await built.remove();
  });

  const post = (contentType: string | undefined, body: string | Buffer, path = '/echo') =>
    fn.call(path, {
      method: 'POST',
      body,
      headers: contentType === undefined ? {} : { 'Content-Type': contentType },
    });
  const logLine = (callId: string) =>
    eventually(() => {
      const found = fn.logs().find((entry) => entry['callId'] === callId);
      if (found === undefined) throw new Error(`No line of ${callId} in the log.`);
      return found;
    });
  const echo = async (contentType: string | undefined, body: string | Buffer) =>
    JSON.parse((await post(contentType, body)).body);

  describe('event', () => {
    it('has method, path, query, raw query and lower-case headers', async () => {
      const { body } = await fn.call('/a%2Fb//c?x=1&x=2&y=%20&__proto__=p&z', {
        method: 'PATCH',
        headers: { 'X-MiXed': 'Value' },
      });
      const event = JSON.parse(body);
      expect(event).to.include({ method: 'PATCH', path: '/a%2Fb//c', rawBody: '', body: '' });
      expect(event.rawQuery).to.equal('x=1&x=2&y=%20&__proto__=p&z');
      expect(event.query).to.include({ y: ' ', z: '' });
      expect(event.query.x).to.deep.equal(['1', '2']);
      expect(Object.keys(event.query)).to.include('__proto__');
      expect(event.headers['x-mixed']).to.equal('Value');
    });

    it('takes a target in absolute form by its path', async () => {
      const { body } = await fn.call('http://example.com/deep?q=1');
      expect(JSON.parse(body)).to.include({ path: '/deep', rawQuery: 'q=1' });
    });

    it('parses bodies by content type and keeps the bytes', async () => {
      expect(await echo('application/json; charset=utf-8', '{"a":[1]}')).to.deep.include({
        body: { a: [1] },
        rawBody: '{"a":[1]}',
      });
      expect((await echo('application/cloudevents+json', '"x"')).body).to.equal('x');
      expect((await echo('application/x-www-form-urlencoded', 'a=1&b=x+y')).body).to.deep.equal({
        a: '1',
        b: 'x y',
      });
      expect((await echo('text/plain', 'hällo')).body).to.equal('hällo');
      expect((await echo('text/plain; charset=iso-8859-1', Buffer.from([0xe4]))).body).to.equal(
        'ä',
      );
      expect((await echo(undefined, 'untyped')).body).to.equal('untyped');
      expect(await echo('application/octet-stream', Buffer.from([0, 255]))).to.include({
        kind: 'undefined',
        rawBody: '\x00ÿ',
      });
    });

    it('gives an empty object for an empty JSON body, as the Node templates do', async () => {
      expect((await echo('application/json', '')).body).to.deep.equal({});
    });

    it('does not inflate: a compressed body is in rawBody only', async () => {
      const { body } = await fn.call('/echo', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' },
        body: 'xx',
      });
      expect(JSON.parse(body)).to.include({ kind: 'undefined', rawBody: 'xx' });
    });

    it('answers 400, 413 and 415 in JSON without a stack', async () => {
      const large = 'x'.repeat(1024 ** 2 + 1);
      const answers = [
        [await post('application/json', '{"a":'), 400],
        [await post('text/plain; charset=klingon', 'x'), 415],
        [await post('text/plain', large), 413],
        [await post('application/json', `"${'x'.repeat(100 * 1024)}"`), 413],
      ] as const;
      for (const [{ status, headers, body }, expected] of answers) {
        expect(status).to.equal(expected);
        expect(headers['content-type']).to.equal('application/json');
        expect(Object.keys(JSON.parse(body))).to.deep.equal(['error']);
        expect(body).not.to.match(/at |\.ts|\.mjs/);
      }
    });

    it('refuses a chunked body as soon as it is over the limit', async () => {
      const { status } = await fn.call('/echo', {
        method: 'POST',
        headers: { 'Transfer-Encoding': 'chunked', 'Content-Type': 'text/plain' },
        body: 'x'.repeat(1024 ** 2 + 1),
      });
      expect(status).to.equal(413);
      expect((await post('text/plain', 'x'.repeat(1024 ** 2))).status).to.equal(200);
    });

    it('is always a Buffer with RAW_BODY=true', async () => {
      const raw = await built.start({ RAW_BODY: 'true', MAX_JSON_SIZE: '1b' });
      const { body } = await raw.call('/echo', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: '{not json',
      });
      await raw.kill();
      expect(JSON.parse(body)).to.include({ body: 'Buffer', rawBody: '{not json' });
    });
  });

  describe('answers', () => {
    const table: [string, string | undefined, string][] = [
      ['/object', 'application/json', '{"a":1}'],
      ['/array', 'application/json', '[1,2]'],
      ['/number', 'application/json', '42'],
      ['/boolean', 'application/json', 'false'],
      ['/text', 'text/plain; charset=utf-8', 'plain'],
      ['/nothing', undefined, ''],
      ['/null', undefined, ''],
      ['/bytes', 'application/octet-stream', 'AB'],
      ['/stream', 'application/octet-stream', 'one two'],
      ['/web-stream', 'application/octet-stream', 'web'],
    ];
    for (const [path, type, expected] of table) {
      it(`${path}: ${type ?? 'no content type'}`, async () => {
        const { status, headers, body } = await fn.call(path);
        expect([status, headers['content-type'], body]).to.deep.equal([200, type, expected]);
        expect(headers['x-duration-seconds']).to.match(/^\d+\.\d{6}$/);
      });
    }

    it("take the handler's status, headers and cookies", async () => {
      const { status, headers, body } = await fn.call('/typed');
      expect([status, body, headers['content-type']]).to.deep.equal([201, 'a,b', 'text/csv']);
      expect(headers['set-cookie']).to.deep.equal(['a=1', 'b=2']);
    });

    it('have no body and no length with 204, and none for HEAD', async () => {
      const none = await fn.call('/no-content');
      expect(none.status).to.equal(204);
      expect(none.headers).not.to.have.any.keys('content-length', 'content-type');
      const head = await fn.call('/text', { method: 'HEAD' });
      expect([head.status, head.body, head.headers['content-length']]).to.deep.equal([
        200,
        '',
        '5',
      ]);
    });

    it('count once: the first end wins', async () => {
      const { status, body } = await fn.call('/twice');
      expect([status, body]).to.deep.equal([200, 'first']);
    });

    it('serve any method', async () => {
      for (const method of ['OPTIONS', 'TRACE', 'PROPFIND', 'DELETE']) {
        expect((await fn.call('/text', { method })).status, method).to.equal(200);
      }
    });

    it('come for requests with headers of nearly a megabyte', async () => {
      const { status } = await fn.call('/text', { headers: { 'X-Big': 'x'.repeat(900_000) } });
      expect(status).to.equal(200);
    });
  });

  describe('failures', () => {
    for (const path of [
      '/throw',
      '/reject',
      '/fail-error',
      '/bad-header',
      '/bad-status',
      '/circular',
      '/broken-early',
    ]) {
      it(`${path}: 500 with a reference id, the rest in the log only`, async () => {
        const { status, headers, body } = await fn.call(path, {
          headers: { 'X-Call-Id': `id-${path.slice(1)}` },
        });
        expect(status).to.equal(500);
        expect(headers['x-injected']).to.equal(undefined);
        expect(JSON.parse(body)).to.deep.equal({
          error: 'The function failed.',
          id: `id-${path.slice(1)}`,
        });
        const line = await logLine(`id-${path.slice(1)}`);
        expect(line).to.include({ level: 'error', message: 'The handler failed.' });
      });
    }

    it('log the stack with the places in the sources, and the causes', async () => {
      await fn.call('/throw', { headers: { 'X-Call-Id': 'stack' } });
      const { stack } = await logLine('stack');
      expect(stack).to.match(/secret detail\n.*function\/handler\.mjs:\d+:\d+/);
      expect(stack).to.contain('Caused by: Error: deep cause');
    });

    it('show what a handler fails with on purpose', async () => {
      const value = await fn.call('/fail-value');
      expect([value.status, JSON.parse(value.body)]).to.deep.equal([500, { reason: 'mine' }]);
      const shown = await fn.call('/fail-shown');
      expect([shown.status, JSON.parse(shown.body)]).to.deep.equal([
        422,
        { error: 'name is missing' },
      ]);
    });

    it("show a user's CloudError with code and hint, and of others the code only", async () => {
      const user = await fn.call('/cloud-user');
      expect([user.status, JSON.parse(user.body)]).to.deep.equal([
        409,
        { error: 'Somebody was first.', code: 'OFC_409', hint: 'Try again.' },
      ]);
      const server = await fn.call('/cloud-server');
      expect(server.status).to.equal(502);
      expect(server.body).to.contain('OFC_502').and.not.contain('secret');
    });

    it('break the connection when a stream fails after it has begun', async () => {
      const outcome = await fn.call('/broken-late').then(
        () => 'a whole answer',
        () => 'broken',
      );
      expect(outcome).to.equal('broken');
    });
  });

  it('makes a call id if there is none that may stand in a log', async () => {
    expect((await fn.call('/log')).body).to.match(/^[0-9a-f-]{36}$/);
    const { body } = await fn.call('/log', { headers: { 'X-Call-Id': '"><script>' } });
    expect(body).to.match(/^[0-9a-f-]{36}$/);
  });

  it('logs each request as JSON with its call id and without its query, except probes', async () => {
    const headers = { 'X-Call-Id': 'logged-call' };
    await fn.call('/log?token=hunter2', { headers });
    await fn.call('/probed', { headers: { 'User-Agent': 'kube-probe/1.29' } });
    await fn.call('/last', { headers: { 'X-Call-Id': 'last-call' } });
    await logLine('last-call');
    const [fromHandler, request] = fn.logs().filter((line) => line['callId'] === 'logged-call');
    expect(fromHandler).to.include({ message: 'from the handler', n: 1 });
    expect(request).to.include({ message: 'request', method: 'GET', path: '/log', status: 200 });
    expect(fn.output()).not.to.match(/hunter2|probed/);
  });

  it('waits for the callback of a handler that takes one', async () => {
    const other = await buildFunction({
      'handler.js': `module.exports = (event, context, callback) => {
        setTimeout(() => event.path === '/bad' ? callback(new Error('x')) : callback(null, { late: true }), 5);
      };`,
    });
    const running = await other.start();
    expect((await running.call('/')).body).to.equal('{"late":true}');
    expect((await running.call('/bad')).status).to.equal(500);
    await running.kill();
    await other.remove();
  });

  it('refuses a body that waits for 100 Continue before it is sent, and takes a small one', async () => {
    const send = (length: number) =>
      call({
        socketPath: fn.socketPath,
        path: '/echo',
        method: 'POST',
        headers: { Expect: '100-continue', 'Content-Length': length, 'Content-Type': 'text/plain' },
        body: length < 100 ? 'x'.repeat(length) : '',
      });
    expect((await send(3)).status).to.equal(200);
    expect((await send(5_000_000)).status).to.equal(413);
  });
});
