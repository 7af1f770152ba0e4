import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { expect } from 'chai';
import { eventually } from '../helpers/eventually.ts';
import {
  type BuiltFunction,
  buildFunction,
  type FunctionProcess,
  fileExists,
} from './helpers/function-process.ts';

const handler = `
import { setTimeout as delay } from 'node:timers/promises';
export const init = async () => {
  if (process.env.init === 'fail') throw new Error('init went wrong');
  if (process.env.init === 'hang') await delay(60000);
};
export const close = async () => {
  if (process.env.close === 'fail') throw new Error('close went wrong');
  await delay(process.env.close === 'hang' ? 60000 : 20);
  console.error('closed');
};
export default async (event, context) => {
  if (event.path === '/slow') { context.log.info('slow began'); await delay(Number(event.query.ms)); }
  if (event.path === '/crash') setTimeout(() => { throw new Error('nobody catches this'); });
  if (event.path === '/reject') Promise.reject(new Error('nobody awaits this'));
  return event.path;
};
`;

describe('template/node-ts: start and end of the process', () => {
  let built: BuiltFunction;
  const running: FunctionProcess[] = [];
  const track = (fn: FunctionProcess) => {
    running.push(fn);
    return fn;
  };
  const start = async (env?: Record<string, string>) => track(await built.start(env));
  const logged = (fn: FunctionProcess, message: string) =>
    eventually(() => expect(fn.output()).to.contain(`"${message}"`));

  before(async () => {
    built = await buildFunction({ 'handler.mjs': handler });
  });
  afterEach(async () => {
    for (const fn of running.splice(0)) await fn.kill();
  });
  after(() => built.remove());

  it('SIGTERM: not ready, but serving for healthcheck_interval; then exit 0', async () => {
    const fn = await start({ healthcheck_interval: '2s' });
    const lock = join(built.folder, '.lock');
    await eventually(async () => expect(await fileExists(lock)).to.equal(true));
    fn.child.kill('SIGTERM');
    await logged(fn, 'stopping');
    expect(await fileExists(lock)).to.equal(false);
    expect((await fn.call('/_/health')).status).to.equal(503);
    expect((await fn.call('/_/ready')).status).to.equal(503);
    const { status, headers } = await fn.call('/new', { agent: new Agent({ keepAlive: true }) });
    expect([status, headers.connection]).to.deep.equal([200, 'close']);
    expect(await fn.exit).to.equal(0);
  });

  it('SIGTERM: finishes what is in flight after the listener has closed', async () => {
    const fn = await start({ healthcheck_interval: '50ms' });
    const slow = fn.call('/slow?ms=700');
    await logged(fn, 'slow began');
    fn.child.kill('SIGTERM');
    await eventually(async () => {
      const refused = await fn.call('/new').then(
        () => false,
        () => true,
      );
      expect(refused).to.equal(true);
    });
    expect((await slow).body).to.equal('/slow');
    expect(await fn.exit).to.equal(0);
  });

  it('SIGTERM: does not wait for idle keep-alive connections', async () => {
    const fn = await start();
    const agent = new Agent({ keepAlive: true });
    await fn.call('/', { agent });
    fn.child.kill('SIGTERM');
    expect(await fn.exit).to.equal(0);
    agent.destroy();
  });

  it('SIGTERM: cuts off after write_timeout what is still in flight', async () => {
    const fn = await start({ write_timeout: '200ms' });
    const slow = fn.call('/slow?ms=60000').catch(() => 'cut off');
    await logged(fn, 'slow began');
    fn.child.kill('SIGTERM');
    expect(await slow).to.equal('cut off');
    expect(await fn.exit).to.equal(0);
    expect(fn.output()).to.contain('"Requests in flight were cut off."');
  });

  it('SIGTERM: waits for the export "close" once nothing is in flight', async () => {
    const fn = await start({ healthcheck_interval: '20ms' });
    const slow = fn.call('/slow?ms=300');
    await logged(fn, 'slow began');
    fn.child.kill('SIGTERM');
    expect((await slow).body).to.equal('/slow');
    expect(await fn.exit).to.equal(0);
    expect(fn.output().match(/^closed$/gm)).to.have.length(1);
    const idle = await start();
    idle.child.kill('SIGTERM');
    expect(await idle.exit).to.equal(0);
    expect(idle.output().match(/^closed$/gm)).to.have.length(1);
  });

  it('SIGTERM: ends with 0 though "close" fails or, after write_timeout, hangs', async () => {
    const failing = await start({ close: 'fail' });
    failing.child.kill('SIGTERM');
    expect(await failing.exit).to.equal(0);
    expect(failing.output()).to.contain('close went wrong');
    const hanging = await start({ close: 'hang', write_timeout: '200ms' });
    hanging.child.kill('SIGTERM');
    expect(await hanging.exit).to.equal(0);
    expect(hanging.output()).not.to.contain('closed');
  });

  it('a second signal ends it at once', async () => {
    for (const [signal, code] of [
      ['SIGTERM', 143],
      ['SIGINT', 130],
    ] as const) {
      const fn = await start({ healthcheck_interval: '1h' });
      fn.child.kill(signal);
      await logged(fn, 'stopping');
      fn.child.kill(signal);
      expect(await fn.exit).to.equal(code);
    }
  });

  it('goes on when its stdin ends', async () => {
    const fn = await start();
    fn.child.stdin?.end();
    await once(fn.child.stdin ?? fn.child, 'close');
    expect((await fn.call('/alive')).body).to.equal('/alive');
  });

  for (const path of ['/crash', '/reject']) {
    it(`${path}: an error that nobody caught is logged and ends it with 1`, async () => {
      const fn = await start();
      await fn.call(path).catch(() => {});
      expect(await fn.exit).to.equal(1);
      const line = fn.logs().find((entry) => entry['level'] === 'error');
      expect(line?.['stack']).to.match(/nobody .* this\n.*function\/handler\.mjs:\d+/);
    });
  }

  it('ends with 1 if init, the configuration, the port or the handler file is wrong', async () => {
    const failing = async (env: Record<string, string>, from: BuiltFunction = built) => {
      const fn = track(from.spawn(env));
      expect(await fn.exit).to.equal(1);
      expect(fn.output()).not.to.contain('listening');
      return fn.output();
    };
    expect(await failing({ init: 'fail' })).to.contain('init went wrong');
    expect(await failing({ exec_timeout: 'x', max_inflight: 'y' })).to.match(
      /exec_timeout.*max_inf/,
    );
    expect(await failing({ port: '/no/such/folder/f.sock' })).to.contain('f.sock');
    const empty = await buildFunction({ 'handler.mjs': 'export const other = 1;' });
    expect(await failing({}, empty)).to.contain('exports no function');
    await empty.remove();
    const broken = await buildFunction({ 'handler.mjs': 'null.x; export default () => 1;' });
    expect(await failing({}, broken)).to.match(/"level":"error".*handler\.mjs:1/);
    await broken.remove();
  });

  it('does not listen, and has no lock file, before init is done', async () => {
    const lock = join(built.folder, '.lock');
    await writeFile(lock, 'left by a killed process');
    const fn = track(built.spawn({ init: 'hang' }));
    await eventually(async () => expect(await fileExists(lock)).to.equal(false));
    expect(await fn.call('/').catch(() => 'refused')).to.equal('refused');
    fn.child.kill('SIGTERM');
    expect(await fn.exit).to.equal(0);
  });

  it('listens on a socket that a killed process left behind', async () => {
    const first = await start();
    first.child.kill('SIGKILL');
    await first.exit;
    const second = await start({ port: first.socketPath });
    expect((await second.call('/again', { socketPath: first.socketPath })).body).to.equal('/again');
  });

  it('behind a real watchdog: serves on http_port on loopback, with no lock file', async () => {
    const lock = join(built.folder, '.lock');
    await rm(lock, { force: true });
    const fn = await start({ http_port: '0', port: '8080' });
    const line = fn.logs().find((entry) => entry['message'] === 'listening');
    const port = Number(line?.['address']);
    const answer = await fn.call('/up', { host: '127.0.0.1', port, socketPath: undefined });
    expect(answer.body).to.equal('/up');
    expect(await fileExists(lock)).to.equal(false);
  });
});
