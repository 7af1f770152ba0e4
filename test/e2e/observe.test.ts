import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { parseOwner, parseRepoName } from '#shared/names.ts';
import { createS3ObjectStore } from '#shared/object-store/s3-object-store.ts';
import { parseTraceparent } from '#shared/observe/trace-context.ts';
import { newestDeployments } from '#shared/pipeline/deployment-list.ts';
import { createRecords } from '#shared/pipeline/records.ts';
import { answering, deploymentsOn, stackFile } from '../helpers/deployments.ts';
import { eventually } from '../helpers/eventually.ts';
import { httpGet } from '../helpers/http-get.ts';
import { type PlatformProcess, secretOf } from '../helpers/platform-process.ts';
import { sharedPlatform, sharedSpans } from '../helpers/shared-platform.ts';

describe('what can be seen of a push', function () {
  this.timeout(240_000);
  let platform: PlatformProcess;
  let traceId = '';
  const begun = Date.now();
  const on = deploymentsOn(() => platform);
  const readNumber = async (file: string) =>
    Number(await readFile(join(platform.data, file), 'utf8'));

  before(async () => {
    platform = await sharedPlatform();
    const repo = await on.repo('alice', 'traced');
    const sha = await on.push(repo, {
      'stack.yml': stackFile('traced', 'traced-too'),
      'traced/handler.ts': answering('1'),
      'traced-too/handler.ts': answering('2'),
    });
    await on.completed('alice', 'traced', sha);
    await repo.remove();
    const store = createS3ObjectStore({
      endpoint: `http://127.0.0.1:${await readNumber('store-port')}`,
      region: 'us-east-1',
      bucket: 'pipeline',
      accessKey: await secretOf(platform, 's3-access-key'),
      secretKey: await secretOf(platform, 's3-secret-key'),
    });
    const options = { repo: parseRepoName('traced'), limit: 1 };
    const [ref] = await newestDeployments(store, parseOwner('alice'), options);
    const records = ref && (await createRecords(store).load(ref));
    traceId = parseTraceparent(records?.deployment.trace)?.traceId ?? '';
  });

  it('is one trace, in which each step is a span below that which called it', async () => {
    const steps = [
      ...['github-event', 'github-push', 'git-tar', 'buildshiprun', 'of-builder', 'pipeline-log'],
      ...['github-status', 'garbage-collect', 'audit-event'],
    ];
    const all = await sharedSpans();
    const spans = await eventually(
      () => {
        const found = all.filter((span) => span.traceId === traceId);
        expect(new Set(found.map(({ name }) => name))).to.include.all.keys(steps);
        const ids = new Set(found.map(({ spanId }) => spanId));
        const orphans = found.filter(({ parentSpanId: id }) => id !== undefined && !ids.has(id));
        expect(orphans).to.deep.equal([]);
        return found;
      },
      { timeoutMs: 30_000 },
    );
    const roots = spans.filter(({ parentSpanId }) => parentSpanId === undefined);
    expect(roots.map(({ name }) => name)).to.deep.equal(['github-event']);
    expect(spans.filter(({ name }) => name === 'of-builder')).to.have.length(2);
    const byId = new Map(spans.map((span) => [span.spanId, span]));
    const callers = (name: string) =>
      new Set(
        spans
          .filter((span) => span.name === name)
          .map(({ parentSpanId }) => byId.get(parentSpanId ?? '')?.name),
      );
    expect(callers('github-push')).to.deep.equal(new Set(['github-event']));
    expect(callers('git-tar')).to.deep.equal(new Set(['github-push']));
    expect(callers('of-builder')).to.deep.equal(new Set(['buildshiprun']));
    expect(callers('buildshiprun')).to.include.all.keys('git-tar', 'of-builder');
    for (const { startTimeUnixNano: start, endTimeUnixNano: end } of spans) {
      expect(Number(start) / 1e6).to.be.within(begun - 60_000, Date.now());
      expect(BigInt(end) >= BigInt(start)).to.equal(true);
    }
  });

  it('is counted by each step, where Prometheus finds it', async () => {
    const base = `http://127.0.0.1:${await readNumber('metrics-port')}`;
    const targets = JSON.parse((await httpGet(`${base}/sd`)).text) as {
      targets: string[];
      labels: { __metrics_path__: string; faas_function: string };
    }[];
    const read = async (name: string) => {
      const target = targets.find(({ labels }) => labels.faas_function === name);
      expect(target?.targets, name).to.deep.equal([new URL(base).host]);
      return (await httpGet(base + target?.labels.__metrics_path__)).text;
    };
    for (const name of ['github-event', 'github-push', 'git-tar', 'of-builder', 'audit-event']) {
      const text = await read(name);
      expect(text).to.match(
        new RegExp(`^ofc_step_total\\{step="${name}",outcome="done"\\} [1-9]`, 'm'),
      );
      expect(text).to.include(`ofc_step_queue_wait_seconds_count{step="${name}"}`);
      expect(text).to.include('http_requests_total{');
    }
    expect(await read('buildshiprun')).to.match(/^ofc_deployments_total\{state="live"\} [1-9]/m);
    expect((await httpGet(`${base}/metrics/alice-traced`)).status).to.equal(404);
  });
});
