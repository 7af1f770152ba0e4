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
      `{"time":"${isoTime()}",${common},"method":"${request.method}","path":${plain.test(path) ? `"${path}"` : JSON.stringify(path)},` +
        `"status":${status},"durationMs":${(seconds * 1000).toFixed(3)},"callId":"${callId}"${incomplete}${noted}}\n`,
    );
  };
}

/** The fields as JSON, each behind a comma. Most are plain strings, which JSON.stringify is slow at. */
function more(notes: LogFields): string {
  let text = '';
  for (const key in notes) {
    const value = notes[key];
    if (value === undefined) continue;
    const json =
      typeof value === 'string' && plain.test(value) ? `"${value}"` : JSON.stringify(value);
    if (json !== undefined) text += `,"${key}":${json}`;
  }
  return text;
}

/** Text that JSON shows as it is. */
const plain = /^[ !#-[\]-~]*$/;
