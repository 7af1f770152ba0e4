import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { availableCores } from '../../template/node-ts/runtime/available-cores.ts';
import { countersOf, sumMetrics } from '../../template/node-ts/runtime/sum-metrics.ts';
import { eventually } from '../helpers/eventually.ts';
import { freePort } from '../helpers/free-port.ts';
import { tempDir } from '../helpers/temp-dir.ts';
import {
  type BuiltFunction,
  buildFunction,
  call,
  type FunctionProcess,
  fileExists,
} from './helpers/function-process.ts';

const handler = `
import { setTimeout as delay } from 'node:timers/promises';
let calls = 0;
export const init = () => { if (process.env.init === 'fail') throw new Error('init went wrong'); };
export const metrics = () => '# HELP own Calls.\\n# TYPE own counter\\nown ' + calls + '\\n';
export default async (event, context) => {
  calls++;
  if (event.path === '/slow') { context.log.info('slow began'); await delay(Number(event.query.ms)); }
  if (event.path === '/crash') setTimeout(() => { throw new Error('nobody catches this'); });
  return process.pid;
};
`;

describe('template/node-ts: several workers', () => {
  let built: BuiltFunction;
  const running: FunctionProcess[] = [];
  const start = async (env: Record<string, string>): Promise<FunctionProcess> => {
    const fn = built.spawn(env);
    running.push(fn);
    const count = Number(env['workers']);
    await eventually(() => {
      const listening = fn.logs().filter(({ message }) => message === 'listening');
      if (listening.length < count) throw new Error(fn.output());
    });
    return fn;
  };
  /** The process ids that answer. */
  const pidsOf = async (fn: FunctionProcess, calls = 8): Promise<Set<string>> => {
    const answers = await Promise.all(Array.from({ length: calls }, () => fn.call('/')));
    return new Set(answers.map(({ body }) => body));
  };

  before(async () => {
    built = await buildFunction({ 'handler.mjs': handler });
  });
  afterEach(async () => {
    for (const fn of running.splice(0)) await fn.kill();
  });
  after(() => built.remove());

  it('requests go to all of them, none to the first process', async () => {
    const fn = await start({ workers: '2' });
    const pids = await pidsOf(fn);
    expect(pids.size).to.equal(2);
    expect(pids.has(String(fn.child.pid))).to.equal(false);
  });

  it('one that crashes is replaced, the others serve on, and no counter goes back', async () => {
    const port = await freePort();
    const fn = await start({ workers: '2', metrics_port: String(port) });
    const read = async () => (await call({ port, path: '/metrics' })).body;
    const count = (text: string, series: string) =>
      Number(new RegExp(`^${series} (\\d+)$`, 'm').exec(text)?.[1]);
    const before = await pidsOf(fn, 10);
    const total = 'http_requests_total\\{code="200",method="get"\\}';
    const first = await read();
    expect([count(first, total), count(first, 'own')]).to.deep.equal([10, 10]);
    expect(first.match(/# TYPE http_requests_total counter/g)).to.have.length(1);

    const crashed = (await fn.call('/crash')).body;
    const replaced = 'A worker ended and is replaced.';
    await eventually(() => expect(fn.output()).to.contain(replaced));
    await eventually(async () => {
      const now = await pidsOf(fn);
      expect([now.size, now.has(crashed)]).to.deep.equal([2, false]);
      expect([...now].filter((pid) => before.has(pid))).to.have.length(1);
    });
    const later = await read();
    expect(count(later, total)).to.be.at.least(18);
    expect(count(later, 'own')).to.be.at.least(18);
    expect(count(later, 'http_requests_in_flight')).to.equal(0);
  });

  it('SIGTERM: all finish what is in flight, then exit 0', async () => {
    const fn = await start({ workers: '2', healthcheck_interval: '50ms' });
    const lock = join(built.folder, '.lock');
    await eventually(async () => expect(await fileExists(lock)).to.equal(true));
    const slow = Promise.all([fn.call('/slow?ms=700'), fn.call('/slow?ms=700')]);
    await eventually(() => expect(fn.output().match(/slow began/g)).to.have.length(2));
    fn.child.kill('SIGTERM');
    expect((await slow).map(({ status }) => status)).to.deep.equal([200, 200]);
    expect(await fn.exit).to.equal(0);
    expect(await fileExists(lock)).to.equal(false);
    expect(fn.output().match(/"stopping"/g)).to.have.length(2);
  });

  it('a second SIGTERM ends all at once', async () => {
    const fn = await start({ workers: '2' });
    const slow = fn.call('/slow?ms=60000').catch(() => 'cut');
    await eventually(() => expect(fn.output()).to.contain('slow began'));
    fn.child.kill('SIGTERM');
    await eventually(() => expect(fn.output()).to.contain('"stopping"'));
    fn.child.kill('SIGTERM');
    expect(await fn.exit).to.equal(143);
    expect(await slow).to.equal('cut');
  });

  it('if the first process is killed, so are the workers', async () => {
    const fn = await start({ workers: '2' });
    const pids = await pidsOf(fn);
    fn.child.kill('SIGKILL');
    await eventually(() => {
      for (const pid of pids) expect(() => process.kill(Number(pid), 0)).to.throw('ESRCH');
    });
  });

  it('a function that cannot start ends with 1, and without a lock file', async () => {
    const fn = built.spawn({ workers: '2', init: 'fail' });
    running.push(fn);
    expect(await fn.exit).to.equal(1);
    expect(fn.output()).to.contain('No worker could start.');
    expect(await fileExists(join(built.folder, '.lock'))).to.equal(false);
  });

  it('max_inflight holds for all together', async () => {
    const fn = await start({ workers: '2', max_inflight: '2' });
    const calls = Array.from({ length: 6 }, () => fn.call('/slow?ms=500'));
    const statuses = (await Promise.all(calls)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).to.have.length(2);
    expect(statuses.filter((status) => status === 429)).to.have.length(4);
  });
});

describe('template/node-ts/runtime/sum-metrics', () => {
  const text = (requests: number, more = '') =>
    `# HELP a_total All.\n# TYPE a_total counter\na_total{x="1 2"} ${requests}\n${more}# HELP g Now.\n# TYPE g gauge\ng ${requests}\n`;

  it('adds up each series and keeps families together', () => {
    expect(sumMetrics([text(1), text(2.5, 'a_total{x="new"} 1\n')])).to.equal(
      '# HELP a_total All.\n# TYPE a_total counter\na_total{x="1 2"} 3.5\na_total{x="new"} 1\n# HELP g Now.\n# TYPE g gauge\ng 3.5\n',
    );
  });

  it('of a process that has ended the gauges are gone and the counters stay', () => {
    expect(sumMetrics([text(1), countersOf(text(5))])).to.equal(
      '# HELP a_total All.\n# TYPE a_total counter\na_total{x="1 2"} 6\n# HELP g Now.\n# TYPE g gauge\ng 1\n',
    );
  });
});

describe('template/node-ts/runtime/available-cores', () => {
  it("is the container's CPU limit rounded up, in both versions of control groups", async () => {
    const { path, remove } = await tempDir();
    const all = availableParallelism();
    const max = async (content: string) => {
      await writeFile(join(path, 'cpu.max'), content);
      return availableCores(path);
    };
    const old = join(path, 'old');
    const v1 = async (quota: string) => {
      await writeFile(join(old, 'cpu/cpu.cfs_quota_us'), `${quota}\n`);
      await writeFile(join(old, 'cpu/cpu.cfs_period_us'), '100000\n');
      return availableCores(old);
    };
    try {
      await mkdir(join(old, 'cpu'), { recursive: true });
      expect(await max('max 100000\n')).to.equal(all);
      expect(await max('50000 100000\n')).to.equal(1);
      expect(await max('150000 100000\n')).to.equal(Math.min(2, all));
      expect(await max('6400000 100000\n')).to.equal(all);
      expect(await max('?\n')).to.equal(all);
      expect(await v1('-1')).to.equal(all);
      expect(await v1('20000')).to.equal(1);
      expect(availableCores(join(path, 'none'))).to.equal(all);
    } finally {
      await remove();
    }
  });
});
