import { answerJson } from './answer.ts';
import type { Call } from './call.ts';
import { errorFields } from './error-fields.ts';
import { Refusal } from './refusal.ts';

/** The part of the platform's CloudError that the runtime knows, by its shape. */
interface CodedError extends Error {
  readonly code: string;
  readonly status: number;
  readonly hint?: string | undefined;
}

/**
 * Ends a request whose handler threw. An error made for the caller (a refusal, a CloudError below
 * 500) is shown; of any other only the reference id leaves the function, the rest is in the log.
 */
export function answerFailure(call: Call, thrown: unknown): void {
  const coded = isCoded(thrown) ? thrown : undefined;
  if (thrown instanceof Refusal) {
    answerJson(call, thrown.status, { error: thrown.message });
  } else if (coded !== undefined && coded.status < 500) {
    const { message: error, code, hint } = coded;
    call.log.warn(error, { code });
    answerJson(call, coded.status, { error, code, hint });
  } else {
    call.log.error('The handler failed.', { code: coded?.code, ...errorFields(thrown) });
    answerFault(call, coded);
  }
}

function answerFault(call: Call, coded: CodedError | undefined): void {
  const { response } = call;
  if (!response.headersSent) {
    const body = { error: 'The function failed.', code: coded?.code, id: call.callId };
    answerJson(call, coded?.status ?? 500, body);
  } else if (!response.writableEnded) {
    // Too late for a status: a broken connection at least is not taken for a whole answer.
    response.destroy();
  }
}

function isCoded(thrown: unknown): thrown is CodedError {
  return (
    thrown instanceof Error &&
    thrown.name === 'CloudError' &&
    'code' in thrown &&
    'status' in thrown &&
    typeof thrown.code === 'string' &&
    typeof thrown.status === 'number' &&
    thrown.status >= 400 &&
    thrown.status < 600
  );
}
