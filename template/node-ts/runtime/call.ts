import type { IncomingMessage } from 'node:http';
import type { FunctionLog, RawContext } from '../function/types.ts';

/** One request on its way through the function. What is rarely needed is made when asked for. */
export class Call implements RawContext {
  readonly callId: string;
  readonly method: string;
  readonly path: string;
  readonly quiet: boolean;
  #base: FunctionLog;
  #log: FunctionLog | undefined;
  #controller: AbortController | undefined;
  #reason: Error | undefined;

  constructor(request: IncomingMessage, path: string, log: FunctionLog) {
    this.callId = callIdOf(request.headers['x-call-id']);
    this.method = request.method ?? 'GET';
    this.path = path;
    this.quiet = request.headers['user-agent']?.startsWith('kube-probe') === true;
    this.#base = log;
  }

  get log(): FunctionLog {
    this.#log ??= this.#base.with({ callId: this.callId });
    return this.#log;
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
