import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FunctionLog, LogFields, RawContext } from '../function/types.ts';
import { splitTarget } from './request-target.ts';

/** One request on its way through the function. What is rarely needed is made when asked for. */
export class Call implements RawContext {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly callId: string;
  readonly path: string;
  readonly rawQuery: string;
  readonly startedAt = performance.now();
  /** What the handler adds to the access log. */
  notes: LogFields | undefined;
  /** The calls under the time limit that began before and after this one. */
  older: Call | undefined;
  newer: Call | undefined;
  readonly #base: FunctionLog;
  #log: FunctionLog | undefined;
  #controller: AbortController | undefined;
  #reason: Error | undefined;

  constructor(request: IncomingMessage, response: ServerResponse, log: FunctionLog) {
    const { path, rawQuery } = splitTarget(request.url ?? '/');
    this.request = request;
    this.response = response;
    this.callId = callIdOf(request.headers['x-call-id']);
    this.path = path;
    this.rawQuery = rawQuery;
    this.#base = log;
  }

  /** Since the start. */
  get seconds(): number {
    return (performance.now() - this.startedAt) / 1000;
  }

  get log(): FunctionLog {
    this.#log ??= this.#base.with({ callId: this.callId });
    return this.#log;
  }

  /** Made when asked for, so that a handler may take it out of the context. */
  get note(): RawContext['note'] {
    return (fields) => {
      this.notes = this.notes === undefined ? fields : { ...this.notes, ...fields };
    };
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    return this.#controller.signal;
  }

  abort(reason: Error): void {
    this.#reason = reason;
    this.#controller?.abort(reason);
  }
}

/** The caller's id if it may stand in logs and answers, else a new one. */
function callIdOf(header: string | string[] | undefined): string {
  return typeof header === 'string' && /^[\w.:-]{1,64}$/.test(header)
    ? header
    : process.getBuiltinModule('node:crypto').randomUUID();
}
