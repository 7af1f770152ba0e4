import type { IncomingMessage } from 'node:http';
import { readApiToken } from '../auth/api-tokens.ts';
import { readCookie, sessionCookieName, tenantCookieName } from '../auth/cookies.ts';
import { actionOf, isForeign } from '../auth/cross-site.ts';
import { type Question, questionPath } from '../auth/decision.ts';
import { authAnnotation, whoMayCallFunction } from '../auth/route-policy.ts';
import type { IndexedFunction } from './function-index.ts';
import type { Site } from './site.ts';

/** What a visitor shows of themselves; both empty if nothing. */
export interface Shown {
  /** The value of the session cookie of the host that was called. */
  readonly session: string;
  /** An API token. */
  readonly token: string;
}

/** What of-auth is asked about a request, and what goes along with it. */
export interface Asking {
  readonly question: Question;
  /** The question as of-auth is asked it. */
  readonly path: string;
  readonly shown: Shown;
}

type Asked = Pick<IncomingMessage, 'method' | 'headers'>;

const nothing: Shown = { session: '', token: '' };

function asking(question: Question, shown: Shown): Asking {
  return { question, path: questionPath(question), shown };
}

/** What is asked about functions that are open to everyone: it is the same for all on a host. */
const open = new WeakMap<IndexedFunction, Asking>();

/**
 * About a route of one of the platform's hosts.
 *
 * @param host Canonical, with the site's port.
 * @param route The `path` of its row.
 */
export function askAboutRoute(
  site: Site,
  host: string,
  route: { readonly path: string; readonly function: string; readonly who: string },
  request: Asked,
): Asking {
  const question = { host, route: route.path, function: route.function };
  if (route.who === 'anyone') {
    return asking({ ...question, action: 'read', foreign: false }, nothing);
  }
  const { method = '', headers } = request;
  const token = readApiToken(headers.authorization) ?? '';
  const session = token === '' ? readCookie(headers.cookie, sessionCookieName(site)) : undefined;
  return asking(
    {
      ...question,
      action: actionOf(method),
      foreign: isForeign(method, headers, `${site.scheme}://${host}`),
    },
    { session: session ?? '', token },
  );
}

/** About a function on a host of its owner. What is open to everyone is the same question for all. */
export function askAboutFunction(
  site: Site,
  host: string,
  fn: IndexedFunction,
  request: Asked,
): Asking {
  const known = open.get(fn);
  if (known?.question.host === host) return known;
  const { service, owner, ownerId, scm, annotations } = fn;
  const protection = annotations[authAnnotation];
  const question = { host, route: '', function: service, owner: { name: owner, id: ownerId, scm } };
  if (whoMayCallFunction(protection) === 'anyone') {
    const same = asking({ ...question, action: 'read', foreign: false }, nothing);
    open.set(fn, same);
    return same;
  }
  const { method = '', headers } = request;
  return asking(
    {
      ...question,
      protection,
      action: actionOf(method),
      foreign: isForeign(method, headers, `${site.scheme}://${host}`),
    },
    { session: readCookie(headers.cookie, tenantCookieName(site)) ?? '', token: '' },
  );
}
