import { expect } from 'chai';
import { createMetricsRegistry } from '#shared/metrics/metrics-registry.ts';
import { createPrometheusClient } from '#shared/prometheus/prometheus-client.ts';
import { openMetricsHistory } from '../../../local/metrics/metrics-history.ts';
import { createMetricsServer } from '../../../local/metrics/metrics-server.ts';
import { createPrometheusApi } from '../../../local/metrics/prometheus-api.ts';
import { send } from '../../helpers/http-client.ts';
import { tempDir } from '../../helpers/temp-dir.ts';

describe('the embedded query API', () => {
  let dir: Awaited<ReturnType<typeof tempDir>>;
  const closing: (() => Promise<void>)[] = [];

  beforeEach(async () => {
    dir = await tempDir();
  });
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
    await dir.remove();
  });

  const start = async () => {
    const registry = createMetricsRegistry();
    const past = await openMetricsHistory({
      file: `${dir.path}/metrics.json`,
      samples: registry.samples,
    });
    const server = await createMetricsServer({
      render: registry.render,
      api: createPrometheusApi(past.history, past.refresh),
    });
    closing.push(past.close, server.close);
    return { registry, past, server, client: createPrometheusClient(server.url) };
  };

  it('counts by label over a window', async () => {
    const { registry, client } = await start();
    const calls = registry.counter('calls_total', 'Calls.');
    for (const code of ['200', '200', '500']) calls.increment({ function_name: 'a.ns', code });
    calls.increment({ function_name: 'b.ns', code: '200' });
    const by = await client.query(
      'sum by (code) (increase(calls_total{function_name="a.ns"}[60s]))',
    );
    expect(by).to.deep.equal([
      { labels: { code: '200' }, value: 2 },
      { labels: { code: '500' }, value: 1 },
    ]);
    const several = 'sum(increase(calls_total{function_name=~"a\\\\.ns|b\\\\.ns"}[1h]))';
    expect(await client.query(several)).to.deep.equal([{ labels: {}, value: 4 }]);
    expect(await client.query('sum by (code) (increase(other[60s]))')).to.deep.equal([]);
  });

  it('interpolates quantiles as Prometheus does', async () => {
    const { registry, client } = await start();
    const seconds = registry.histogram('seconds', 'Time.');
    for (const value of [0.01, 0.07, 0.07, 0.09]) seconds.observe({ f: 'a' }, value);
    const quantile = (q: number) =>
      client.query(`histogram_quantile(${q}, sum by (le) (increase(seconds_bucket{f="a"}[60s])))`);
    // Of four the second is the first of three between 0.05 and 0.1.
    expect((await quantile(0.5))[0]?.value).to.be.closeTo(0.05 + 0.05 / 3, 1e-9);
    expect((await quantile(1))[0]?.value).to.be.closeTo(0.1, 1e-9);
    seconds.observe({ f: 'a' }, 60);
    // Beyond the last bound nothing is known but that bound.
    expect((await quantile(0.99))[0]?.value).to.equal(10);
  });

  it('has values over time', async () => {
    const { registry, client } = await start();
    registry.counter('calls_total', 'Calls.').increment({ code: '200' });
    const end = Math.ceil(Date.now() / 1000) + 1;
    const [series] = await client.queryRange('sum(increase(calls_total[15s]))', {
      start: end - 45,
      end,
      step: 15,
    });
    expect(series?.points.map(([, value]) => value)).to.deep.equal([0, 0, 0, 1]);
  });

  it('remembers over a restart', async () => {
    const first = await start();
    first.registry.counter('calls_total', 'Calls.').increment({});
    for (const close of closing.splice(0).reverse()) await close();
    const second = await start();
    second.registry.counter('calls_total', 'Calls.').increment({});
    const sum = await second.client.query('sum(increase(calls_total[1h]))');
    expect(sum).to.deep.equal([{ labels: {}, value: 2 }]);
  });

  it('refuses what it does not know, and patterns', async () => {
    const { server } = await start();
    const port = Number(new URL(server.url).port);
    const ask = async (query: string, more = '') => {
      const { status, body } = await send(
        port,
        `/api/v1/query?query=${encodeURIComponent(query)}${more}`,
      );
      return [status, (JSON.parse(body) as { status: string }).status];
    };
    const refused = [400, 'error'];
    expect(await ask('up')).to.deep.equal(refused);
    expect(await ask('')).to.deep.equal(refused);
    expect(await ask('sum(increase(a{b=~".*"}[1s]))')).to.deep.equal(refused);
    expect(await ask('sum(increase(a{b="x" or c="y"}[1s]))')).to.deep.equal(refused);
    expect(await ask('sum(increase(a[1s]))', '&time=now')).to.deep.equal(refused);
    expect(
      await ask(`sum(increase(a{b="${'x'.repeat(300_000)}"}[1s]))`.slice(0, 9000)),
    ).to.deep.equal(refused);
    const range = 'query=sum(increase(a[1s]))&start=1&end=100000&step=1';
    expect((await send(port, `/api/v1/query_range?${range}`)).status).to.equal(400);
    expect((await send(port, '/api/v1/query', { method: 'PUT' })).status).to.equal(405);
    expect((await send(port, '/api/v1/series')).status).to.equal(404);
  });

  it('bounds what a query may cost', async () => {
    const { server } = await start();
    const port = Number(new URL(server.url).port);
    const body = new URLSearchParams({ query: `sum(increase(a{b="${'\\'.repeat(100_000)}` });
    const answer = await send(port, '/api/v1/query', {
      method: 'POST',
      body: body.toString(),
    });
    expect(answer.status).to.equal(400);
    const large = await send(port, '/api/v1/query', { method: 'POST', body: 'x'.repeat(600_000) });
    expect(large.status).to.equal(413);
  });
});
