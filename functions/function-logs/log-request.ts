import { parseDuration } from '#shared/config.ts';
import { CloudError } from '#shared/errors.ts';
import type { LogLine } from '#shared/gateway/log-client.ts';

/** Which lines somebody wants to see. */
export interface LogRequest {
  /** The deployed name. */
  readonly function: string;
  readonly since: Date;
  readonly until: Date | undefined;
  /** At most so many of the newest lines; 0: all. */
  readonly tail: number;
  readonly follow: boolean;
  /** One replica only. */
  readonly instance: string | undefined;
  /** Lines that contain this text, in any case. */
  readonly filter: string;
}

const maxTail = 100_000;
/** As far back as the original shows. */
const defaultSince = '30m';

/**
 * Reads `?function=<deployed name>` with, each if wanted, `since` and `until` (a time in RFC 3339, or
 * a duration before now), `tail`, `follow=1`, `instance` and `filter`.
 *
 * @throws CloudError `OFC_BAD_REQUEST` or `OFC_NAME_INVALID`
 */
export function parseLogRequest(query: URLSearchParams, now: number): LogRequest {
  const name = query.get('function') ?? '';
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(name)) {
    throw new CloudError('OFC_NAME_INVALID', 'The query must name a function as it is deployed.', {
      hint: 'Ask with ?function=<deployed name>.',
    });
  }
  const tail = query.get('tail') ?? '0';
  const instance = query.get('instance') ?? '';
  const filter = query.get('filter') ?? '';
  if (!/^\d{1,6}$/.test(tail) || Number(tail) > maxTail) {
    throw refused('tail', `a number up to ${maxTail}`);
  }
  if (!/^[\w.-]{0,253}$/.test(instance)) throw refused('instance', 'the name of a replica');
  if (filter.length > 200) throw refused('filter', 'a text of up to 200 characters');
  const until = query.get('until') ?? '';
  return {
    function: name,
    since: timeOf('since', query.get('since') || defaultSince, now),
    until: until === '' ? undefined : timeOf('until', until, now),
    tail: Number(tail),
    follow: query.get('follow') === '1',
    instance: instance === '' ? undefined : instance,
    filter: filter.toLowerCase(),
  };
}

/** Whether a line is one of those asked for. */
export function isWanted({ until, filter }: LogRequest, { text, timestamp }: LogLine): boolean {
  if (filter !== '' && !text.toLowerCase().includes(filter)) return false;
  return until === undefined || !(Date.parse(timestamp) > until.getTime());
}

function timeOf(name: string, text: string, now: number): Date {
  if (/^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)$/.test(text)) {
    const time = new Date(text);
    if (Number.isFinite(time.getTime())) return time;
  }
  try {
    return new Date(now - parseDuration(text));
  } catch {
    throw refused(name, 'a time such as 2030-01-31T12:00:00Z or a duration such as 30m');
  }
}

function refused(name: string, what: string): CloudError {
  return new CloudError('OFC_BAD_REQUEST', `The query parameter "${name}" must be ${what}.`);
}
