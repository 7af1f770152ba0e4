import type { FunctionContext, FunctionLog, LogFields } from '../function/types.ts';
import type { Call } from './call.ts';

type Headers = Readonly<Record<string, string | string[]>>;

/** How a call ended: with a value, or with an error or failure value. Only the first end counts. */
export type Settle = (outcome: { readonly failed: boolean; readonly value: unknown }) => void;

/** The context of a classic handler. */
export class ClassicContext implements FunctionContext {
  readonly #call: Call;
  readonly #settle: Settle;
  #status: number | undefined;
  #headers: Headers = {};

  constructor(call: Call, settle: Settle) {
    this.#call = call;
    this.#settle = settle;
  }

  get callId(): string {
    return this.#call.callId;
  }

  get signal(): AbortSignal {
    return this.#call.signal;
  }

  get log(): FunctionLog {
    return this.#call.log;
  }

  note(fields: LogFields): void {
    this.#call.note(fields);
  }

  /** Whether the handler chose a status itself. */
  get hasStatus(): boolean {
    return this.#status !== undefined;
  }

  status(): number;
  status(code: number): FunctionContext;
  status(code?: number): number | FunctionContext {
    if (code === undefined) return this.#status ?? 200;
    if (!Number.isInteger(code) || code < 200 || code > 599) {
      throw new RangeError(`${code} is not a status for an answer (200 to 599).`);
    }
    this.#status = code;
    return this;
  }

  headers(): Headers;
  headers(headers: Headers): FunctionContext;
  headers(headers?: Headers): Headers | FunctionContext {
    if (headers === undefined) return this.#headers;
    this.#headers = headers;
    return this;
  }

  succeed(value?: unknown): FunctionContext {
    this.#settle({ failed: false, value });
    return this;
  }

  fail(error?: unknown): FunctionContext {
    this.#settle({ failed: true, value: error });
    return this;
  }
}
