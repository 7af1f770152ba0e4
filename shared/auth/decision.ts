import * as v from 'valibot';
import { type Identity, identitySchema } from '../messages/identity.ts';
import type { FunctionOwner } from './person.ts';

/** The header in which the router hands the visitor's session cookie to of-auth. */
export const sessionHeader = 'x-cloud-session';

/** The header in which the router hands an API token to of-auth. */
export const tokenHeader = 'x-cloud-token';

/** Where of-auth answers the router; reachable with a valid signature only. */
export const decisionPath = '/q/';

/** What the router asks about a request. What the visitor shows travels beside it, in a header. */
export interface Question {
  /** The host that was called: canonical, with the site's port. */
  readonly host: string;
  /** On the platform's hosts the `path` of the row in the route table; empty on others. */
  readonly route: string;
  /** The deployed name of the function: a DNS label. */
  readonly function: string;
  /** Of a tenant's function only. */
  readonly owner?: FunctionOwner | undefined;
  /** The function's annotation, as it is; `undefined` stands for `public`. */
  readonly protection?: string | undefined;
  readonly action: 'read' | 'act';
  /** Whether another site's page may have sent the request; see `isForeign`. */
  readonly foreign: boolean;
}

/** A question as path and query, which the router signs. */
export function questionPath(question: Question): string {
  const { host, route, function: name, owner, protection, action, foreign } = question;
  // Written once for every request, so by hand: URLSearchParams takes several times as long.
  let path = `${decisionPath}?host=${host}&route=${route}&function=${name}&action=${action}`;
  if (owner !== undefined) {
    const { name: login, id, scm } = owner;
    path += `&owner=${encodeURIComponent(login)}&owner_id=${encodeURIComponent(id)}&scm=${encodeURIComponent(scm)}`;
  }
  if (protection !== undefined) path += `&protection=${encodeURIComponent(protection)}`;
  return foreign ? `${path}&foreign=1` : path;
}

/** Reads the query of {@link questionPath}; what is missing becomes empty, and so is refused. */
export function parseQuestion(query: URLSearchParams): Question {
  const owner = query.get('owner');
  return {
    host: query.get('host') ?? '',
    route: query.get('route') ?? '',
    function: query.get('function') ?? '',
    ...(owner === null
      ? {}
      : { owner: { name: owner, id: query.get('owner_id') ?? '', scm: query.get('scm') ?? '' } }),
    protection: query.get('protection') ?? undefined,
    action: query.get('action') === 'read' ? 'read' : 'act',
    foreign: query.get('foreign') !== null,
  };
}

/** Why somebody may not enter. */
export const refusals = [
  'unknown',
  'sign-in',
  'not-customer',
  'not-member',
  'not-operator',
  'read-only',
  'cross-site',
] as const;

/** See {@link refusals}. */
export type Refusal = (typeof refusals)[number];

/** The answer, and for how many seconds it may be kept. */
export type Decision =
  | {
      readonly allow: true;
      readonly cacheSeconds: number;
      /** Who it is, for functions of the platform. */
      readonly identity?: Identity | undefined;
      /** A `Set-Cookie` value that goes out with the function's answer: the session, renewed. */
      readonly setCookie?: string | undefined;
    }
  | {
      readonly allow: false;
      readonly cacheSeconds: number;
      readonly status: 401 | 403 | 404;
      readonly reason: Refusal;
      /** A sentence for the visitor. */
      readonly message: string;
      /** A path on the same host that takes `?r=<path and query>`: signing in would help. */
      readonly signIn?: string | undefined;
    };

const cacheSeconds = v.pipe(v.number(), v.minValue(0), v.maxValue(3600));

/** See {@link Decision}. */
export const decisionSchema = v.variant('allow', [
  v.object({
    allow: v.literal(true),
    cacheSeconds,
    identity: v.optional(identitySchema),
    setCookie: v.optional(v.string()),
  }),
  v.object({
    allow: v.literal(false),
    cacheSeconds,
    status: v.picklist([401, 403, 404]),
    reason: v.picklist(refusals),
    message: v.string(),
    signIn: v.optional(v.pipe(v.string(), v.regex(/^\/(?!\/)[!-~]*$/))),
  }),
]);
