import { join } from 'node:path';
import type { GatewayMetrics } from '../metrics/gateway-metrics.ts';
import { openMetricsHistory } from '../metrics/metrics-history.ts';
import { createMetricsServer } from '../metrics/metrics-server.ts';
import { createPrometheusApi } from '../metrics/prometheus-api.ts';
import type { MetricsSource } from '../provider/process-provider.ts';
import { stablePort } from './stable-port.ts';

/** Serves the gateway's metrics, and answers Prometheus' queries from their history in `data`. */
export async function startMetrics(
  metrics: GatewayMetrics,
  data: string,
  sources: () => readonly MetricsSource[],
): Promise<{ readonly url: string; close(): Promise<void> }> {
  const past = await openMetricsHistory({
    file: join(data, 'metrics.json'),
    samples: metrics.samples,
  });
  const server = await createMetricsServer({
    render: metrics.render,
    sources,
    api: createPrometheusApi(past.history, past.refresh),
    port: await stablePort(join(data, 'metrics-port')),
  });
  return {
    url: server.url,
    async close() {
      await server.close();
      await past.close();
    },
  };
}
