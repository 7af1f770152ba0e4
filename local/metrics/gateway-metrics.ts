import {
  createMetricsRegistry,
  type GaugeReader,
  type Sample,
} from '#shared/metrics/metrics-registry.ts';

/** What OpenFaaS's gateway counts; names and labels are those its dashboards and alerts know. */
export interface GatewayMetrics {
  /** An invocation begins. The call it gives is for its end, with the HTTP status. */
  started(functionName: string): (code: number) => void;
  /** How many invocations of a function have ended. */
  invocations(functionName: string): number;
  /** Sets where the number of replicas of each function comes from. */
  watchReplicas(read: () => Iterable<readonly [functionName: string, replicas: number]>): void;
  /** Prometheus' text format. */
  render(): string;
  /** The counters as they stand, for a history of them. */
  samples(): Iterable<Sample>;
}

/** Makes {@link GatewayMetrics}. `function_name` is `name.namespace`, as OpenFaaS has it. */
export function createGatewayMetrics(): GatewayMetrics {
  const registry = createMetricsRegistry();
  let readReplicas: GaugeReader = () => [];
  const total = registry.counter(
    'gateway_function_invocation_total',
    'Function invocations that have ended, by HTTP status.',
  );
  const begun = registry.counter(
    'gateway_function_invocation_started',
    'Function invocations that have begun.',
  );
  const seconds = registry.histogram(
    'gateway_functions_seconds',
    'Time from the request to the end of the answer.',
  );
  registry.gauge('gateway_service_count', 'Replicas of a function.', () => readReplicas());

  return {
    started(functionName) {
      const start = performance.now();
      begun.increment({ function_name: functionName });
      return (code) => {
        const labels = { function_name: functionName, code: String(code) };
        total.increment(labels);
        seconds.observe(labels, (performance.now() - start) / 1000);
      };
    },
    invocations: (functionName) => total.sum({ function_name: functionName }),
    watchReplicas(read) {
      readReplicas = () =>
        Array.from(read(), ([name, replicas]) => [{ function_name: name }, replicas] as const);
    },
    render: () => registry.render(),
    samples: () => registry.samples(),
  };
}
