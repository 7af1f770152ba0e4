import { expect } from 'chai';
import { createMetricsRegistry } from '#shared/metrics/metrics-registry.ts';
import { createMetricsServer } from '../../../local/metrics/metrics-server.ts';
import { send } from '../../helpers/http-client.ts';

describe('metrics', () => {
  it('are in the text format, with escaped labels', () => {
    const registry = createMetricsRegistry();
    const counter = registry.counter('calls_total', 'Calls.');
    counter.increment({ name: 'a"b\\c\nd', code: '200' });
    counter.increment({ name: 'a"b\\c\nd', code: '200' });
    counter.increment({ name: 'x', code: '500' });
    registry.gauge('size', 'Size.', () => [[{}, 3]]);
    expect(registry.render()).to.equal(
      [
        '# HELP calls_total Calls.',
        '# TYPE calls_total counter',
        'calls_total{name="a\\"b\\\\c\\nd",code="200"} 2',
        'calls_total{name="x",code="500"} 1',
        '# HELP size Size.',
        '# TYPE size gauge',
        'size 3',
        '',
      ].join('\n'),
    );
    expect(counter.sum({ code: '200' })).to.equal(2);
    expect(counter.sum({})).to.equal(3);
  });

  it('have histograms with cumulative buckets', () => {
    const registry = createMetricsRegistry();
    const histogram = registry.histogram('seconds', 'Time.');
    for (const value of [0.005, 0.2, 60]) histogram.observe({ f: 'a' }, value);
    const text = registry.render();
    expect(text).to.contain('seconds_bucket{f="a",le="0.005"} 1\n');
    expect(text).to.contain('seconds_bucket{f="a",le="0.1"} 1\n');
    expect(text).to.contain('seconds_bucket{f="a",le="0.25"} 2\n');
    expect(text).to.contain('seconds_bucket{f="a",le="10"} 2\n');
    expect(text).to.contain('seconds_bucket{f="a",le="+Inf"} 3\n');
    expect(text).to.contain('seconds_sum{f="a"} 60.205\nseconds_count{f="a"} 3\n');
  });

  it('have a listener of their own', async () => {
    const server = await createMetricsServer({ render: () => 'text' });
    try {
      const port = Number(new URL(server.url).port);
      const metrics = await send(port, '/metrics');
      expect([metrics.status, metrics.body]).to.deep.equal([200, 'text']);
      expect(metrics.headers['content-type']).to.contain('version=0.0.4');
      expect((await send(port, '/healthz')).body).to.equal('OK');
      expect((await send(port, '/metrics', { method: 'POST' })).status).to.equal(405);
      expect((await send(port, '/')).status).to.equal(404);
    } finally {
      await server.close();
    }
  });
});
