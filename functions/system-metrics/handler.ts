import type { FunctionContext, FunctionEvent } from '#runtime-types';
import { loadConfig, type Settings } from '#shared/config.ts';
import { createGatewayClient } from '#shared/gateway/gateway-client.ts';
import { observed } from '#shared/observe/observed.ts';
import { once } from '#shared/once.ts';
import { gatewaySettings, signerSettings } from '#shared/platform-settings.ts';
import { createPrometheusClient } from '#shared/prometheus/prometheus-client.ts';
import { answerMetrics, type Metering } from './answer-metrics.ts';

const step = observed('system-metrics');
const loaded = once(() => loadConfig(load));

/** Reads the configuration; a mistake in it stops the function at its start. */
export const init = async (): Promise<void> => {
  loaded();
};

/** Counts invocations of functions by success and failure, from what Prometheus knows. */
export default step.classic(async (event: FunctionEvent, context: FunctionContext) => {
  const metrics = await answerMetrics(loaded(), event);
  return context.status(200).headers({ 'cache-control': 'no-store' }).succeed(metrics);
});

/** What it counts of its own step. */
export const metrics = () => step.metrics.render();
/** Sends on the spans that wait. */
export const { close } = step;

function load(settings: Settings): Metering {
  const host = settings.text('prometheus_host', 'prometheus.openfaas');
  const port = settings.integer('prometheus_port', 9090, { min: 1, max: 65_535 });
  return {
    signer: signerSettings(settings),
    gateway: createGatewayClient(gatewaySettings(settings, { admin: true })),
    prometheus: createPrometheusClient(`http://${host}:${port}`),
    windowMs: settings.duration('metrics_window', '60m'),
    now: Date.now,
  };
}
