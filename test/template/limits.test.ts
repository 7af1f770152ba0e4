import { once } from 'node:events';
import { connect } from 'node:net';
import { expect } from 'chai';
import { eventually } from '../helpers/eventually.ts';
import {
  type BuiltFunction,
  buildFunction,
  call,
  type FunctionProcess,
} from './helpers/function-process.ts';

const handler = `
import { setTimeout as delay } from 'node:timers/promises';
let release;
const gate = new Promise((resolve) => { release = resolve; });
const routes = {
  '/wait': () => gate.then(() => 'waited'),
  '/release': () => { release(); return 'released'; },
  '/ready-probe': (event, context) => context.status(418).succeed('teapot'),
  '/abort': (event, context) => new Promise((resolve) => {
    context.log.info('waiting');
    context.signal.addEventListener('abort', () => {
      context.log.info('aborted', { why: context.signal.reason.name });
      resolve('too late');
    });
  }),
  '/stream-for-ever': async function* () { for (;;) { yield 'x'; await delay(20); } },
  '/slow-stream': async function* () { yield 'a'; await delay(900); yield 'b'; },
  '/flood': async function* () { const chunk = Buffer.alloc(65536); for (;;) yield chunk; },
};
export default (event, context) => (routes[event.path] ?? (() => event.path))(event, context);
`;

describe('template/node-ts: limits, probes and metrics', () => {
  let built: BuiltFunction;
  const running: FunctionProcess[] = [];
  const start = async (env: Record<string, string> = {}) => {
    const fn = await built.start(env);
    running.push(fn);
    return fn;
  };
  const logged = (fn: FunctionProcess, message: string) =>
    eventually(() => {
      const found = fn.logs().find((line) => line['message'] === message);
      if (found === undefined) throw new Error(`Not logged: ${message}`);
      return found;
    });

  before(async () => {
    built = await buildFunction({ 'handler.mjs': handler });
  });
  afterEach(async () => {
    for (const fn of running.splice(0)) await fn.kill();
  });
  after(() => built.remove());

  it('answers 429 over max_inflight, also as not ready, and recovers', async () => {
    const fn = await start({ max_inflight: '1' });
    expect((await fn.call('/_/ready')).status).to.equal(200);
    const waiting = fn.call('/wait');
    const refused = await eventually(async () => {
      const answer = await fn.call('/_/ready');
      expect(answer.status).to.equal(429);
      return fn.call('/anything');
    });
    expect(refused.status).to.equal(429);
    expect(refused.headers['x-openfaas-internal']).to.equal('faas-middleware');
    expect((await fn.call('/_/health')).status).to.equal(200);
    fn.child.kill('SIGKILL');
    await waiting.catch(() => {});

    const two = await start({ max_inflight: '2' });
    const first = two.call('/wait');
    await eventually(async () => expect((await two.call('/release')).body).to.equal('released'));
    expect((await first).body).to.equal('waited');
    const both = await Promise.all([two.call('/a'), two.call('/b')]);
    expect(both.map(({ status }) => status)).to.deep.equal([200, 200]);
  });

  it('answers 504 after exec_timeout and aborts the signal of the handler', async () => {
    const fn = await start({ exec_timeout: '100ms' });
    const { status, headers, body } = await fn.call('/abort');
    expect(status).to.equal(504);
    expect(headers['x-openfaas-internal']).to.equal('of-watchdog');
    expect(JSON.parse(body)).to.deep.equal({ error: 'The function took too long.' });
    expect(await logged(fn, 'aborted')).to.include({ why: 'TimeoutError' });
    expect((await fn.call('/alive')).body).to.equal('/alive');
  });

  it('takes less time from X-Timeout, never more', async () => {
    const timed = async (fn: FunctionProcess, value: string) => {
      const began = performance.now();
      const { status } = await fn.call('/abort', { headers: { 'X-Timeout': value } });
      expect(status).to.equal(504);
      return performance.now() - began;
    };
    const patient = await start({ exec_timeout: '1h' });
    expect(await timed(patient, '50ms')).to.be.below(15_000);
    const hasty = await start({ exec_timeout: '300ms' });
    expect(await timed(hasty, '1h')).to.be.within(295, 15_000);
    expect(await timed(hasty, 'nonsense')).to.be.within(295, 15_000);
  });

  it('breaks off an answer that streams for longer than exec_timeout', async () => {
    const fn = await start({ exec_timeout: '150ms' });
    expect(await fn.call('/stream-for-ever').catch(() => 'broken')).to.equal('broken');
  });

  it('has no time limit with exec_timeout=0, but obeys X-Timeout', async () => {
    const fn = await start({ exec_timeout: '0' });
    const { status } = await fn.call('/abort', { headers: { 'X-Timeout': '50ms' } });
    expect(status).to.equal(504);
  });

  it('aborts the signal when the caller goes, and logs 499', async () => {
    const fn = await start();
    const socket = connect(fn.socketPath);
    socket.write('GET /abort HTTP/1.1\r\nHost: x\r\n\r\n');
    await logged(fn, 'waiting');
    socket.destroy();
    expect(await logged(fn, 'aborted')).to.include({ why: 'AbortError' });
    expect(await logged(fn, 'request')).to.include({ status: 499, incomplete: true });
  });

  it('lets a stream pause for longer than write_timeout', async () => {
    const fn = await start({ write_timeout: '300ms' });
    expect((await fn.call('/slow-stream')).body).to.equal('ab');
  });

  it('cuts off a caller that stops reading for write_timeout', async () => {
    const fn = await start({ write_timeout: '200ms', exec_timeout: '0' });
    const socket = connect(fn.socketPath);
    socket.write('GET /flood HTTP/1.1\r\nHost: x\r\n\r\n');
    socket.pause();
    expect(await logged(fn, 'request')).to.include({ path: '/flood', incomplete: true });
    socket.destroy();
  });

  it('ends a request that does not arrive within read_timeout with 408', async () => {
    const fn = await start({ read_timeout: '200ms' });
    for (const text of [
      'GET / HTTP/1.1\r\nHost: x\r\n',
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx',
    ]) {
      const socket = connect(fn.socketPath).setEncoding('utf8');
      let received = '';
      socket.on('data', (chunk) => {
        received += chunk;
      });
      socket.write(text);
      await once(socket, 'close');
      expect(received).to.match(/^HTTP\/1.1 408/);
    }
  });

  it('serves probes to GET only, and /metrics on its port goes to the handler', async () => {
    const fn = await start();
    for (const path of ['/_/health', '/_/ready', '/_/health?x=1']) {
      expect((await fn.call(path)).status, path).to.equal(200);
      expect((await fn.call(path, { method: 'POST' })).status, path).to.equal(405);
      expect((await fn.call(path, { method: 'HEAD' })).status, path).to.equal(405);
    }
    expect((await fn.call('/_/other')).body).to.equal('/_/other');
    expect((await fn.call('/metrics')).body).to.equal('/metrics');
  });

  it('asks the handler at ready_path', async () => {
    const fn = await start({ ready_path: '/ready-probe' });
    expect((await fn.call('/_/ready')).status).to.equal(418);
    expect((await fn.call('/_/health')).status).to.equal(200);
  });

  it("serves metrics under the watchdog's names on a port of their own", async () => {
    const fn = await start({ metrics_port: '0' });
    const { address } = await logged(fn, 'metrics');
    await fn.call('/a');
    await fn.call('/b', { method: 'POST', headers: { 'X-Timeout': '1s' } });
    await fn.call('/_/health');
    const scrape = () => call({ host: '127.0.0.1', port: Number(address), path: '/metrics' });
    const { body, headers } = await scrape();
    expect(headers['content-type']).to.match(/^text\/plain; version=0\.0\.4/);
    expect(body).to.contain('http_requests_total{code="200",method="get"} 1\n');
    expect(body).to.contain('http_requests_total{code="200",method="post"} 1\n');
    expect(body).to.contain(
      'http_request_duration_seconds_bucket{code="200",method="get",le="+Inf"} 1\n',
    );
    expect(body).to.match(/http_request_duration_seconds_sum\{code="200",method="get"\} 0\.\d+\n/);
    expect(body).to.contain('http_requests_in_flight 0\n');
    expect((await call({ host: '127.0.0.1', port: Number(address), path: '/' })).status).to.equal(
      404,
    );
  });

  it('runs without metrics if their port is taken', async () => {
    const first = await start({ metrics_port: '0' });
    const { address } = await logged(first, 'metrics');
    const second = await start({ metrics_port: String(address) });
    await logged(second, 'The metrics port cannot be used.');
    expect((await second.call('/alive')).status).to.equal(200);
  });
});
