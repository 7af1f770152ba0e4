import type { MetricsRegistry } from '../metrics/metrics-registry.ts';
import { receivedAt } from '../pipeline/deployment.ts';
import type { Records } from '../pipeline/records.ts';

const bounds = [1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600];

/** Records whose verdicts are counted: each once, by whoever's verdict it is. */
export function countingVerdicts(records: Records, registry: MetricsRegistry): Records {
  const total = registry.counter('ofc_deployments_total', 'Deployments that have ended.');
  const duration = registry.histogram(
    'ofc_deployment_duration_seconds',
    'Seconds from the webhook to the verdict.',
    bounds,
  );
  return {
    ...records,
    async close(ref, closed) {
      const isOurs = await records.close(ref, closed);
      if (isOurs) {
        total.increment({ state: closed.state });
        duration.observe({ state: closed.state }, (closed.at - receivedAt(ref.id)) / 1000);
      }
      return isOurs;
    },
  };
}

/**
 * Shows how many deployments are open, and for how long the oldest is, as the last sweep saw them.
 *
 * @returns takes the result of a sweep: when each open deployment was received, in milliseconds.
 */
export function showOpenDeployments(
  registry: MetricsRegistry,
): (received: readonly number[]) => void {
  let open: readonly number[] = [];
  registry.gauge('ofc_open_deployments', 'Deployments without a verdict.', () => [
    [{}, open.length],
  ]);
  registry.gauge(
    'ofc_oldest_open_deployment_seconds',
    'Since the webhook of the oldest deployment without a verdict.',
    () => [[{}, open.length === 0 ? 0 : (Date.now() - Math.min(...open)) / 1000]],
  );
  return (received) => {
    open = received;
  };
}
