import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  credentials,
  Metadata,
} from '@grpc/grpc-js';
import type { DaemonAddress } from './daemon-address.ts';
import { openDockerBridge } from './docker-bridge.ts';
import {
  type BytesMessage,
  Control,
  ListWorkersRequestSchema,
  type ListWorkersResponse,
  SolveRequestSchema,
  type SolveResponse,
  StatusRequestSchema,
  type StatusResponse,
} from './generated/control_pb.ts';
import { grpcMethod } from './grpc-service.ts';

/** Certificates for a daemon behind TCP, in PEM. Without them TCP is not encrypted. */
export interface DaemonTls {
  readonly ca: string;
  /** Ours, for mutual TLS. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

/** A connection to a BuildKit daemon: its control API. */
export interface DaemonClient {
  listWorkers(timeoutMs: number): Promise<ListWorkersResponse>;
  /** Aborting `signal` cancels the build at the daemon. */
  solve(
    request: MessageInitShape<typeof SolveRequestSchema>,
    signal: AbortSignal,
  ): Promise<SolveResponse>;
  status(ref: string): ClientReadableStream<StatusResponse>;
  session(
    headers: readonly (readonly [string, string])[],
  ): ClientDuplexStream<BytesMessage, BytesMessage>;
  close(): Promise<void>;
}

const solveMethod = grpcMethod(Control.method.solve);
const statusMethod = grpcMethod(Control.method.status);
const sessionMethod = grpcMethod(Control.method.session);
const workersMethod = grpcMethod(Control.method.listWorkers);

/** As buildkitd's own: status messages hold chunks of logs. */
const maxMessageBytes = 16 * 1024 * 1024;

/**
 * Makes a client; nothing is connected yet, except Docker Engine's bridge. Errors of its calls are
 * grpc-js's own, with `code` and `details`: see `daemonError`.
 *
 * @see https://github.com/moby/buildkit/blob/master/api/services/control/control.proto
 */
export async function createDaemonClient(
  address: DaemonAddress,
  tls?: DaemonTls,
): Promise<DaemonClient> {
  const bridge = address.kind === 'docker' ? await openDockerBridge(address.path) : undefined;
  const target =
    address.kind === 'tcp'
      ? `dns:${address.host}:${address.port}`
      : `unix:${bridge?.path ?? address.path}`;
  const secure =
    address.kind === 'tcp' && tls !== undefined
      ? credentials.createSsl(bytes(tls.ca), bytes(tls.key), bytes(tls.cert))
      : credentials.createInsecure();
  const client = new Client(target, secure, {
    'grpc.max_receive_message_length': maxMessageBytes,
    'grpc.max_send_message_length': maxMessageBytes,
    'grpc.enable_http_proxy': 0,
    // A restarted daemon is looked for often; a build waits for it.
    'grpc.max_reconnect_backoff_ms': 2000,
    'grpc.use_local_subchannel_pool': 1,
  });

  return {
    listWorkers: (timeoutMs) =>
      new Promise((resolve, reject) => {
        const { path, requestSerialize, responseDeserialize } = workersMethod;
        client.makeUnaryRequest(
          path,
          requestSerialize,
          responseDeserialize,
          create(ListWorkersRequestSchema),
          { deadline: Date.now() + timeoutMs },
          settle(resolve, reject),
        );
      }),

    solve: (request, signal) =>
      new Promise((resolve, reject) => {
        signal.throwIfAborted();
        const { path, requestSerialize, responseDeserialize } = solveMethod;
        const abort = () => call.cancel();
        const call = client.makeUnaryRequest(
          path,
          requestSerialize,
          responseDeserialize,
          create(SolveRequestSchema, request),
          (error, response) => {
            signal.removeEventListener('abort', abort);
            settle<SolveResponse>(resolve, reject)(error, response);
          },
        );
        signal.addEventListener('abort', abort, { once: true });
      }),

    status: (ref) => {
      const { path, requestSerialize, responseDeserialize } = statusMethod;
      const request = create(StatusRequestSchema, { Ref: ref });
      return client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request);
    },

    session: (headers) => {
      const { path, requestSerialize, responseDeserialize } = sessionMethod;
      const metadata = new Metadata();
      for (const [name, value] of headers) metadata.add(name, value);
      return client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata);
    },

    async close() {
      client.close();
      await bridge?.close();
    },
  };
}

function settle<T>(resolve: (value: T) => void, reject: (error: unknown) => void) {
  return (error: unknown, value?: T): void => {
    if (error !== null || value === undefined) reject(error);
    else resolve(value);
  };
}

function bytes(pem: string | undefined): Buffer | null {
  return pem === undefined ? null : Buffer.from(pem);
}
