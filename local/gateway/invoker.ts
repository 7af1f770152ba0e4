import { errorMessage, toCloudError } from '#shared/errors.ts';
import type { Logger } from '#shared/log.ts';
import type { GatewayMetrics } from '../metrics/gateway-metrics.ts';
import type { Endpoint, FunctionSpec, Provider } from '../provider/provider.ts';
import type { AnswerSink } from './answer-sink.ts';
import type { EndpointPools } from './endpoint-pools.ts';
import { forward, type OutboundRequest, type UpstreamTimeouts } from './forward.ts';
import { addressedId, fullName } from './namespace.ts';

/** A request for a function, by name. */
export interface Call extends OutboundRequest {
  /** As it was addressed: `name` or `name.namespace`. */
  readonly name: string;
}

/** A replica that is held for one call. */
export interface HeldReplica {
  readonly endpoint: Endpoint;
  /** Gives the replica back and counts the call, once. */
  release(status: number): void;
}

/** The way into a function: for HTTP clients, the queue and schedules alike. */
export interface Invoker {
  /** Calls a function. Whatever goes wrong is an answer too; resolves when it has been given. */
  invoke(call: Call, sink: AnswerSink): Promise<void>;
  /** Waits for a replica; gives a {@link Refusal} where there is none. */
  acquire(name: string, signal: AbortSignal): Promise<HeldReplica | Refusal>;
}

/** An answer of the gateway itself. */
export interface Refusal {
  readonly refused: number;
  readonly text: string;
}

interface InvokerOptions {
  readonly provider: Provider;
  readonly find: (id: string) => FunctionSpec | undefined;
  /** Resolves when a function that is being brought back can be called. */
  readonly ready: (id: string) => Promise<void> | undefined;
  readonly metrics: GatewayMetrics;
  readonly pools: EndpointPools;
  readonly timeouts: UpstreamTimeouts;
  readonly log: Logger;
}

/** Status in the metrics for a call whose client left before an answer. */
const clientClosed = 499;

/** Makes an {@link Invoker}. */
export function createInvoker(options: InvokerOptions): Invoker {
  const { provider, metrics, pools, timeouts, log } = options;

  const acquire: Invoker['acquire'] = async (name, signal) => {
    const id = addressedId(name);
    const spec = options.find(id);
    if (spec === undefined) {
      return { refused: 404, text: `error finding function ${fullName(id)}: not found` };
    }
    const count = metrics.started(fullName(id));
    try {
      await options.ready(id);
      const replica = await provider.acquire(id, signal);
      let held = true;
      return {
        endpoint: replica.endpoint,
        release(status) {
          if (!held) return;
          held = false;
          replica.release();
          count(status);
        },
      };
    } catch (error) {
      const refused = signal.aborted ? clientClosed : refusalStatus(error);
      if (!signal.aborted) {
        log.warn('no replica for a call', { function: id, error: errorMessage(error) });
      }
      count(refused);
      return { refused, text: `Can't reach service for: ${name}.` };
    }
  };

  const attempt = async (call: Call, sink: AnswerSink, mayRepeat: boolean): Promise<void> => {
    const held = await acquire(call.name, call.signal);
    if ('refused' in held) return refuse(sink, held);
    let status = 0;
    const watched: AnswerSink = {
      ...sink,
      head(code, headers, resume) {
        status = code;
        sink.head(code, headers, resume);
      },
    };
    try {
      await forward(pools.get(held.endpoint), call, watched, timeouts);
      held.release(status);
    } catch (error) {
      if (status !== 0) {
        held.release(status);
        return sink.breakOff();
      }
      held.release(call.signal.aborted ? clientClosed : 502);
      if (call.signal.aborted) return;
      if (mayRepeat && isRepeatable(call, error)) return attempt(call, sink, false);
      log.warn('a function broke off a call', { function: call.name, error: errorMessage(error) });
      refuse(sink, { refused: 502, text: '' });
    }
  };

  return { acquire, invoke: (call, sink) => attempt(call, sink, true) };
}

function refuse(sink: AnswerSink, { refused, text }: Refusal): void {
  const internal = ['X-OpenFaaS-Internal', 'gateway'];
  const type = ['Content-Type', 'text/plain; charset=utf-8'];
  const body = Buffer.from(text);
  sink.head(
    refused,
    [...internal, ...type, 'Content-Length', String(body.length)],
    () => undefined,
  );
  if (body.length > 0) sink.write(body);
  sink.end();
}

/** 404 belongs to a name nobody deployed; a function that cannot be started is 503. */
function refusalStatus(error: unknown): number {
  return toCloudError(error).code === 'OFC_BUSY' ? 429 : 503;
}

const safeMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

/**
 * Whether a failed call can be sent once more. Nothing reached a function that refused the
 * connection; one that was lost while idle (RFC 9112 section 9.3.1) takes only safe methods again.
 */
function isRepeatable(call: Call, error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (call.body !== undefined && !(call.body instanceof Uint8Array)) return false;
  if (code === 'ECONNREFUSED' || code === 'ENOENT') return true;
  const lost = code === 'ECONNRESET' || code === 'EPIPE' || code === 'UND_ERR_SOCKET';
  return lost && safeMethods.has(call.method);
}
