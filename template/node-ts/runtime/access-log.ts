import type { LogFields } from '../function/types.ts';
import type { Call } from './call.ts';
import { isoTime, writeLine } from './log.ts';

/**
 * Writes the line of a request that has ended. Strung together by hand, since it runs for each
 * request: method and call id hold nothing to escape. The path only: a query may hold a token.
 */
export function createAccessLog(base: LogFields): (call: Call, status: number) => void {
  const common = JSON.stringify({ level: 'info', message: 'request', ...base }).slice(1, -1);
  return ({ request, response, seconds, callId, path, notes }, status) => {
    const incomplete = response.writableFinished ? '' : ',"incomplete":true';
    const noted = notes === undefined ? '' : more(notes);
    writeLine(
      `{"time":"${isoTime()}",${common},"method":"${request.method}","path":${JSON.stringify(path)},` +
        `"status":${status},"durationMs":${(seconds * 1000).toFixed(3)},"callId":"${callId}"${incomplete}${noted}}\n`,
    );
  };
}

function more(notes: LogFields): string {
  const text = JSON.stringify(notes).slice(1, -1);
  return text === '' ? '' : `,${text}`;
}
