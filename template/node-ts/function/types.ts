/**
 * The types of a handler. Types only: importing them adds nothing to the bundle.
 *
 * @example
 * import type { FunctionContext, FunctionEvent } from './types.ts';
 *
 * export default async (event: FunctionEvent, context: FunctionContext) =>
 *   context.status(200).succeed({ path: event.path });
 *
 * @module
 */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

/** Values that may stand in a log line. Never a secret, a token, a body or a header map. */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** Writes one JSON object per line to stderr; lines of a request carry its call id. */
export interface FunctionLog {
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A log that adds `fields` to each of its lines. */
  with(fields: LogFields): FunctionLog;
}

/** A request, read and parsed. */
export interface FunctionEvent {
  /** Parsed by content type: text, JSON value or form fields; `undefined` for other types. */
  readonly body: unknown;
  /** The body's bytes as they came, to check signatures on. Empty if there was none. */
  readonly rawBody: Buffer;
  /** Names in lower case. */
  readonly headers: IncomingHttpHeaders;
  readonly method: string;
  /** A name that occurs more than once has a list. */
  readonly query: Readonly<Record<string, string | string[]>>;
  /** The query as it came, without `?`. */
  readonly rawQuery: string;
  /** Without `/function/<name>` and without the query; still percent-encoded. */
  readonly path: string;
}

/** What a raw handler gets beside the request and the response. */
export interface RawContext {
  /** `X-Call-Id`, or a new one if the request had none. */
  readonly callId: string;
  /** Aborted when the caller has gone or `exec_timeout` is over. */
  readonly signal: AbortSignal;
  readonly log: FunctionLog;
  /** Adds fields to the line that the runtime logs when the request has ended. */
  note(fields: LogFields): void;
}

/** How a classic handler answers. Returning a value is the same as `succeed(value)`. */
export interface FunctionContext extends RawContext {
  /** The status set so far; 200 at first. */
  status(): number;
  status(code: number): FunctionContext;
  /** The headers set so far. */
  headers(): Readonly<Record<string, string | string[]>>;
  headers(headers: Readonly<Record<string, string | string[]>>): FunctionContext;
  /** Ends the call. Objects and numbers go out as JSON, strings as text, Buffers as bytes, streams piped. */
  succeed(value?: unknown): FunctionContext;
  /** Ends the call with status 500, or the status set before. Errors are logged, not shown. */
  fail(error?: unknown): FunctionContext;
}

/** The third argument of a classic handler, for code in callback style. */
export type FunctionCallback = (error?: unknown, value?: unknown) => void;

/** The default export of a handler file. */
export type Handler = (
  event: FunctionEvent,
  context: FunctionContext,
  callback: FunctionCallback,
) => unknown;

/** The export `raw`: streams both ways; the handler ends the response itself. */
export type RawHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  context: RawContext,
) => unknown;

/** The export `upgrade`: takes a connection over, for example for WebSockets. */
export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => unknown;

/** The export `metrics`: further series in the Prometheus text format, for `/metrics`. */
export type MetricsHandler = () => string | Promise<string>;

/** The export `init`: awaited before the function listens; if it throws the process exits with 1. */
export type InitHandler = () => unknown;

/** The export `close`: awaited before the process ends after SIGTERM, for as long as `write_timeout`. */
export type CloseHandler = () => unknown;
