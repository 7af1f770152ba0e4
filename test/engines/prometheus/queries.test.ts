import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import type { FunctionStatus } from '#shared/gateway/function-status.ts';
import {
  createPrometheusClient,
  type PrometheusClient,
} from '#shared/prometheus/prometheus-client.ts';
import { selector } from '#shared/prometheus/promql.ts';
import {
  functionDetail,
  functionTotals,
  listSeries,
} from '../../../functions/system-metrics/function-metrics.ts';
import { createMetricsServer } from '../../../local/metrics/metrics-server.ts';
import { createPrometheusApi } from '../../../local/metrics/prometheus-api.ts';
import { createSampleHistory } from '../../../local/metrics/sample-history.ts';
import { describeWith } from '../../helpers/needs-part.ts';
import { startPrometheus, type TestPrometheus } from '../../helpers/prometheus.ts';
import { tempDir } from '../../helpers/temp-dir.ts';

const fn = (name: string): FunctionStatus => ({
  name,
  image: 'x',
  invocationCount: 0,
  replicas: 1,
  availableReplicas: 1,
});
const hello = fn('alice-hello');
const idle = fn('alice-idle');
const windowMs = 60 * 60_000;
const everySeconds = 15;
const bounds = ['0.005', '0.05', '0.1', '0.5', '1', '5', '+Inf'];

interface Series {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly valueAt: (step: number) => number;
}

/** Two functions for 90 minutes: successes and failures in bursts, times between 50 and 500 ms. */
const given: Series[] = [
  ...['alice-hello', 'bob-hello'].flatMap((name) => [
    {
      name: 'gateway_function_invocation_total',
      labels: { function_name: `${name}.openfaas-fn`, code: '200' },
      valueAt: (step: number) => step * 3,
    },
    {
      name: 'gateway_function_invocation_total',
      labels: { function_name: `${name}.openfaas-fn`, code: '500' },
      valueAt: (step: number) => Math.floor(step / 10) * 5,
    },
    ...bounds.map((le, index) => ({
      name: 'gateway_functions_seconds_bucket',
      labels: { function_name: `${name}.openfaas-fn`, code: '200', le },
      valueAt: (step: number) => step * Math.min(10, [0, 1, 6, 9][index] ?? 10),
    })),
  ]),
];

describeWith(['prometheus'], 'the queries of system-metrics, on the real Prometheus', function () {
  this.timeout(60_000);
  let now: number;
  let folder: Awaited<ReturnType<typeof tempDir>>;
  let prometheus: TestPrometheus;
  let embedded: Awaited<ReturnType<typeof createMetricsServer>>;
  let real: PrometheusClient;
  let own: PrometheusClient;

  before(async () => {
    folder = await tempDir();
    // Other suites may have taken their time since this file was read.
    now = Math.floor(Date.now() / 1000 / everySeconds) * everySeconds;
    const times = Array.from(
      { length: (90 * 60) / everySeconds + 1 },
      (_, i) => now - 90 * 60 + i * everySeconds,
    );
    const lines = given.flatMap(({ name, labels, valueAt }) => {
      const text = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
      return times.map((time, step) => `${name}{${text}} ${valueAt(step)} ${time}`);
    });
    const file = join(folder.path, 'samples.om');
    await writeFile(file, `${lines.join('\n')}\n# EOF\n`);
    const backfill = ['tsdb', 'create-blocks-from', 'openmetrics', file, join(folder.path, 'tsdb')];
    await promisify(execFile)('promtool', backfill);
    prometheus = await startPrometheus(folder.path, []);
    const past = given.map(({ name, labels, valueAt }) => ({
      name,
      labels,
      times: times.map((time) => time * 1000),
      values: times.map((_, step) => valueAt(step)),
    }));
    const history = createSampleHistory(past, now * 1000);
    embedded = await createMetricsServer({
      render: () => '',
      api: createPrometheusApi(history, () => undefined),
    });
    real = createPrometheusClient(prometheus.url);
    own = createPrometheusClient(embedded.url);
  });
  after(async () => {
    await prometheus?.stop();
    await embedded?.close();
    await folder?.remove();
  });

  it('are answered, and the embedded API says the same of the same samples', async () => {
    const [theirs, ours] = await Promise.all(
      [real, own].map((client) => functionDetail(client, hello, windowMs, now * 1000)),
    );
    if (theirs === undefined || ours === undefined) throw new Error('There are two answers.');
    expect(theirs.success).to.be.closeTo(720, 10);
    expect(theirs.failure).to.be.closeTo(120, 6);
    for (const name of ['success', 'failure'] as const) {
      expect(ours[name], name).to.be.closeTo(theirs[name], theirs[name] * 0.02);
      expect(ours.series[name]).to.have.length(theirs.series[name].length);
    }
    for (const name of ['p50', 'p95', 'p99'] as const) {
      expect(theirs.latency[name], name).to.be.a('number');
      expect(ours.latency[name], name).to.be.closeTo(theirs.latency[name] ?? 0, 0.005);
    }
    expect(ours.series.times).to.deep.equal(theirs.series.times);
  });

  it('count all functions of an owner, and no other', async () => {
    for (const client of [real, own]) {
      const totals = await functionTotals(client, [hello, idle], windowMs);
      expect([...totals.keys()]).to.deep.equal(['alice-hello', 'alice-idle']);
      expect(totals.get('alice-hello')?.success).to.be.closeTo(720, 10);
      expect(totals.get('alice-idle')).to.deep.equal({ success: 0, failure: 0 });
      const series = await listSeries(client, [hello, idle], windowMs, now * 1000);
      expect(series.get('alice-idle')?.success.every((value) => value === 0)).to.equal(true);
    }
  });

  it('mean what they say, whatever a name holds', async () => {
    const hostile = [
      'x"} or gateway_function_invocation_total{code="200',
      '.*',
      'alice-hello|bob-hello',
      'bob-hello.openfaas-fn',
      '\\',
      '\\"',
      'a\nb',
      '") or vector(1) or ("',
      '}[1h])) or sum(increase(gateway_function_invocation_total[1h]',
      '[[:alpha:]]+',
      '\\Q.*\\E',
      '(?i)BOB-HELLO',
      '$1',
      '#',
      '{{',
      '\u0000',
      '☃',
    ];
    for (const name of hostile) {
      for (const value of [name, [name, 'alice-idle']]) {
        const op = typeof value === 'string' ? '=' : 'in';
        const query = `sum(increase(${selector('gateway_function_invocation_total', [
          ['function_name', op, value],
        ])}[1h]))`;
        if (name !== 'bob-hello.openfaas-fn') {
          expect(await real.query(query), JSON.stringify(name)).to.deep.equal([]);
        }
      }
    }
  });
});
