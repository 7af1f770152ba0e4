import type { Endpoint, FunctionSpec } from './provider.ts';

/** What one replica is made from. */
export interface ReplicaPlan<Image> {
  readonly spec: FunctionSpec;
  readonly image: Image;
  readonly memoryBytes: number;
  readonly onLine: (instance: string, text: string) => void;
}

/** One running instance of a function: a process or a container. */
export interface Replica {
  readonly instance: string;
  /** Where it listens once it is ready. */
  readonly endpoint: Endpoint;
  /** As last measured. */
  readonly usage: { readonly milliCores: number; readonly bytes: number };
  /** True once it answered its probes; false if it ended or took too long before that. */
  readonly ready: Promise<boolean>;
  /** Resolves with the reason, one short text, when it has ended and its folder is gone. */
  readonly ended: Promise<string>;
  /**
   * SIGTERM, then SIGKILL after the grace.
   *
   * @param atOnce Nobody calls it any more: it need not wait for requests that may be under way to it.
   */
  stop(atOnce?: boolean): Promise<void>;
}

/** A replica within its function's pool. */
export interface PoolMember {
  /** Which roll-out it belongs to. */
  readonly generation: number;
  state: 'starting' | 'ready' | 'draining';
  inFlight: number;
  readyAt: number;
  replica: Replica | undefined;
  endpoint: Endpoint;
  /** Resolves when its replica has ended. */
  done: Promise<void>;
}

/** A member whose replica is about to be started. */
export function newMember(generation: number): PoolMember {
  return {
    generation,
    state: 'starting',
    inFlight: 0,
    readyAt: 0,
    replica: undefined,
    endpoint: { socketPath: '' },
    done: Promise.resolve(),
  };
}
