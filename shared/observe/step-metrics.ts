import { createMetricsRegistry, type MetricsRegistry } from '../metrics/metrics-registry.ts';

/**
 * How a call of a step ended. `refused`: the caller's mistake; `retry`: it can be tried again;
 * `failed`: a fault of the platform.
 */
export type StepOutcome = 'done' | 'refused' | 'retry' | 'failed';

/** What one function of the platform counts of its own step. */
export interface StepMetrics {
  /** For what only this step counts. */
  readonly registry: MetricsRegistry;
  ended(outcome: StepOutcome, seconds: number): void;
  /** @param seconds From the gateway's taking of the message until the step began. */
  waited(seconds: number): void;
  /** Prometheus' text format. */
  render(): string;
}

/** From a look-up to a build. */
const stepBounds = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900];

/**
 * Makes {@link StepMetrics}. The registry is our own, a hundred lines: the usual client costs each cold
 * start of each function 30 ms of CPU.
 */
export function createStepMetrics(step: string): StepMetrics {
  const registry = createMetricsRegistry();
  const total = registry.counter('ofc_step_total', 'Calls of this step that have ended.');
  const duration = registry.histogram(
    'ofc_step_duration_seconds',
    'Seconds from the beginning of the step to its end.',
    stepBounds,
  );
  const wait = registry.histogram(
    'ofc_step_queue_wait_seconds',
    "Seconds between the gateway's taking of the message and the beginning of the step.",
    stepBounds,
  );
  return {
    registry,
    ended(outcome, seconds) {
      total.increment({ step, outcome });
      duration.observe({ step }, seconds);
    },
    waited: (seconds) => wait.observe({ step }, seconds),
    render: () => registry.render(),
  };
}
