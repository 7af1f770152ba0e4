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
  const requests = new Counter({
    name: 'ofc_router_requests_total',
    help: 'Requests by what they were for and the class of their status.',
    labelNames: ['kind', 'status'],
    registers,
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
  const decisions = new Counter({
    name: 'ofc_router_decisions_total',
    help: 'Decisions of of-auth: kept from before, asked for, or not to be had.',
    labelNames: ['how'],
    registers,
  });
  const limited = new Counter({
    name: 'ofc_router_limited_total',
    help: 'Requests refused with 429, by limit.',
    labelNames: ['limit'],
    registers,
  });
  // Looking labels up costs more than counting.
  const [kept, asked, failed] = ['kept', 'asked', 'failed'].map((how) => decisions.labels(how));
  const decidedBy = { kept, asked, failed };
  const observers = {
    function: duration.labels('function'),
    platform: duration.labels('platform'),
    none: duration.labels('none'),
  };
  const counters = new Map<string, { inc(): void }>();

  return {
    begin() {
      inFlight++;
    },
    end(kind, status, seconds) {
      inFlight--;
      const key = `${kind}${Math.floor(status / 100)}`;
      let counter = counters.get(key);
      if (counter === undefined) {
        counter = requests.labels(kind, `${key.slice(kind.length)}xx`);
        counters.set(key, counter);
      }
      counter.inc();
      observers[kind].observe(seconds);
    },
    decided: (how) => decidedBy[how]?.inc(),
    limited: (limit) => limited.labels(limit).inc(),
    render: () => registers[0]?.metrics() ?? Promise.resolve(''),
  };
}
