import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** What the router counts. */
export interface RouterMetrics {
  /** A request came in. */
  begin(): void;
  /** It has ended. */
  end(kind: 'function' | 'platform' | 'none', status: number, seconds: number): void;
  /** A decision was kept from before, asked of of-auth, or could not be had. */
  decided(how: 'kept' | 'asked' | 'failed'): void;
  limited(limit: 'address' | 'owner' | 'async'): void;
  /** The series in Prometheus' text format. */
  render(): Promise<string>;
}

/** Makes {@link RouterMetrics}, of this router alone. */
export function createRouterMetrics(): RouterMetrics {
  const registers = [new Registry()];
  // Counted by hand and handed over when asked for: labels cost more than counting.
  const ended = new Map<string, { kind: string; status: string; count: number }>();
  new Counter({
    name: 'ofc_router_requests_total',
    help: 'Requests by what they were for and the class of their status.',
    labelNames: ['kind', 'status'],
    registers,
    collect() {
      this.reset();
      for (const { count, ...labels } of ended.values()) this.inc(labels, count);
    },
  });
  const duration = new Histogram({
    name: 'ofc_router_request_duration_seconds',
    help: 'Seconds until the end of the answer.',
    labelNames: ['kind'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60],
    registers,
  });
  let inFlight = 0;
  new Gauge({
    name: 'ofc_router_in_flight',
    help: 'Requests and WebSockets that have not ended.',
    registers,
    collect() {
      this.set(inFlight);
    },
  });
  const decisions = { kept: 0, asked: 0, failed: 0 };
  new Counter({
    name: 'ofc_router_decisions_total',
    help: 'Decisions of of-auth: kept from before, asked for, or not to be had.',
    labelNames: ['how'],
    registers,
    collect() {
      this.reset();
      for (const [how, count] of Object.entries(decisions)) this.inc({ how }, count);
    },
  });
  const limited = new Counter({
    name: 'ofc_router_limited_total',
    help: 'Requests refused with 429, by limit.',
    labelNames: ['limit'],
    registers,
  });
  const observers = {
    function: duration.labels('function'),
    platform: duration.labels('platform'),
    none: duration.labels('none'),
  };

  return {
    begin() {
      inFlight++;
    },
    end(kind, status, seconds) {
      inFlight--;
      const family = `${Math.floor(status / 100)}xx`;
      const key = kind + family;
      let known = ended.get(key);
      if (known === undefined) {
        known = { kind, status: family, count: 0 };
        ended.set(key, known);
      }
      known.count++;
      observers[kind].observe(seconds);
    },
    decided(how) {
      decisions[how]++;
    },
    limited: (limit) => limited.labels(limit).inc(),
    render: () => registers[0]?.metrics() ?? Promise.resolve(''),
  };
}
