/** What the gateway knows about a function: its FunctionDeployment, validated. */
export interface FunctionSpec {
  service: string;
  image: string;
  namespace: string;
  envProcess?: string;
  envVars: Record<string, string>;
  constraints: string[];
  secrets: string[];
  labels: Record<string, string>;
  annotations: Record<string, string>;
  limits?: { memory?: string; cpu?: string };
  requests?: { memory?: string; cpu?: string };
  readOnlyRootFilesystem: boolean;
  createdAt: string;
}

/** OpenFaaS's namespace for functions that name none. */
export const defaultNamespace = 'openfaas-fn';

/** What tells one function from all others: `name`, or `name.namespace` outside of the default one. */
export function functionId({
  service,
  namespace,
}: Pick<FunctionSpec, 'service' | 'namespace'>): string {
  return namespace === defaultNamespace ? service : `${service}.${namespace}`;
}

/** Where a replica listens: a unix domain socket, or a TCP port. */
export type Endpoint =
  | { readonly socketPath: string }
  | { readonly host: string; readonly port: number };

/** One line a function wrote to stdout or stderr. */
export interface LogLine {
  name: string;
  namespace: string;
  /** The replica that wrote it. */
  instance: string;
  /** ISO 8601. */
  timestamp: string;
  text: string;
}

/** How a function is doing. Counts only replicas of the current spec. */
export interface FunctionStatus {
  /** Replicas that should run. */
  replicas: number;
  /** Replicas that answered their `/_/ready`. */
  availableReplicas: number;
  /** Why the newest replica died, if it did. */
  failure?: string;
  /** Milli-cores and bytes, summed over the replicas. */
  usage?: { cpu: number; totalMemoryBytes: number };
}

/** A ready replica, reserved for one request. */
export interface Lease {
  readonly endpoint: Endpoint;
  /** Ends the reservation; call it when the response has ended. More than once is harmless. */
  release(): void;
}

/** Which log lines to read. */
export interface LogQuery {
  id: string;
  since?: Date;
  tail?: number;
  follow: boolean;
  signal: AbortSignal;
}

/** Runs functions, each known by its {@link functionId}. The gateway speaks to nothing else below it. */
export interface Provider {
  /** Shown in `/system/info` and on the start page. */
  readonly info: { name: string; orchestration: string; isolation: string };
  /**
   * Creates a function or rolls it over to `spec`.
   *
   * Resolves once the spec is accepted: its image is pulled and unpacked, its secrets exist. The new
   * replica starts in the background; the old one serves until the new one is ready and is then
   * drained. Nothing is restarted if only labels or annotations changed.
   *
   * @param options `start: false` leaves a new function at zero replicas until its first request
   *   (unless its labels keep it always on): for functions restored when the platform starts.
   * @throws CloudError `OFC_DEPLOY_FAILED`.
   */
  deploy(spec: FunctionSpec, options?: { start?: boolean }): Promise<void>;
  /** Drains and stops a function and forgets it. @throws CloudError `OFC_NOT_FOUND`. */
  remove(id: string): Promise<void>;
  /** Sets the number of replicas, 20 at most. @throws CloudError `OFC_NOT_FOUND`. */
  scale(id: string, replicas: number): Promise<void>;
  /** `undefined` if there is no such function. */
  status(id: string): FunctionStatus | undefined;
  /**
   * A ready replica for one request; a function at zero is started, once for all who wait.
   *
   * @throws CloudError `OFC_NOT_FOUND`, or `OFC_UPSTREAM` if it does not start; the signal's reason.
   */
  acquire(id: string, signal?: AbortSignal): Promise<Lease>;
  /** Lines of a function, oldest first; with `follow`, new ones until the signal. */
  logs(query: LogQuery): AsyncIterable<LogLine>;
  /** Stops every replica. */
  close(): Promise<void>;
}
