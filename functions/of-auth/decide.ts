import { serializeCookie } from '#shared/auth/cookies.ts';
import type { Decision, Question, Refusal } from '#shared/auth/decision.ts';
import { identityOf, type Person, standingOf } from '#shared/auth/person.ts';
import {
  type PolicyHost,
  type Who,
  whoMayCallFunction,
  whoMayUseRoute,
} from '#shared/auth/route-policy.ts';
import type { Session } from '#shared/auth/session.ts';
import { tenantPaths } from '#shared/auth/tenant-paths.ts';
import type { Site } from '#shared/router/site.ts';
import type { AuthParts } from './parts.ts';

/** What a visitor shows: a cookie's value, or an API token. */
export interface Credentials {
  readonly session?: string | undefined;
  readonly token?: string | undefined;
}

/** Somebody who showed that it is them. */
interface Entrant {
  readonly person: Person;
  readonly readOnly: boolean;
  readonly session?: Session;
}

const publicCacheSeconds = 60;
const crossSite =
  'No header says that a page of this host sent the request: "Origin" or "Sec-Fetch-Site" is missing, or names another site. Programs send an API token instead of a session.';
const signInOrToken =
  'Sign in first. Programs send an API token: “Authorization: Bearer ofc_…”, from the settings page.';
/** Short: somebody may sign in or out, or be taken off the list. */
const cacheSeconds = 5;

/**
 * Answers one question of the router.
 *
 * @throws What the customers list and the store throw: then there is no decision, and nobody enters.
 */
export async function decide(
  parts: AuthParts,
  question: Question,
  credentials: Credentials,
): Promise<Decision> {
  const host = policyHost(parts.config.site, question.host);
  const who = whoMay(host, question);
  if (who === 'anyone') return { allow: true, cacheSeconds: publicCacheSeconds };
  if (who === undefined || who === 'platform') return refuse('unknown', 'There is nothing here.');
  // Said before anything about the visitor, so that no other site learns who is signed in.
  if (question.foreign && credentials.token === undefined) {
    return refuse('cross-site', crossSite);
  }
  const entrant = await identify(parts, host, question.host, credentials);
  if (entrant === undefined) {
    if (credentials.token !== undefined) {
      return refuse('sign-in', 'The API token is unknown, was revoked, or has expired.');
    }
    const signIn = host === 'owner' ? tenantPaths.signIn : '/auth/login';
    const message = host === 'system' ? signInOrToken : 'Sign in first.';
    return { ...refuse('sign-in', message), signIn };
  }
  const { person, session } = entrant;
  if (!(await parts.isCustomer(person))) {
    return refuse(
      'not-customer',
      `${person.login} is not a customer of this platform. Ask its operator.`,
    );
  }
  const problem = shortcoming(parts, who, question, entrant);
  if (problem !== undefined) return problem;
  const rights = {
    operator: parts.isOperator(person),
    readOnly: entrant.readOnly,
    byToken: credentials.token !== undefined,
    ...(session && { session: session.id }),
  };
  const renewed = session && parts.sessions.renewed(session);
  const { cookies, config } = parts;
  const cookie = host === 'owner' ? cookies.tenant : cookies.session;
  return {
    allow: true,
    identity: identityOf(person, rights),
    cacheSeconds,
    ...(renewed && {
      setCookie: serializeCookie(config.site, cookie, renewed.token, renewed.seconds),
    }),
  };
}

function policyHost({ systemHost }: Site, host: string): PolicyHost {
  if (host === systemHost) return 'system';
  return host === `builder.${systemHost}` ? 'builder' : 'owner';
}

function whoMay(
  host: PolicyHost,
  { host: name, route, owner, protection }: Question,
): Who | undefined {
  if (host !== 'owner') return whoMayUseRoute(host, route);
  return owner === undefined || name === '' ? undefined : whoMayCallFunction(protection);
}

async function identify(
  { tokens, sessions }: AuthParts,
  host: PolicyHost,
  name: string,
  { token, session: cookie }: Credentials,
): Promise<Entrant | undefined> {
  if (token !== undefined) {
    // A token is for the platform's own host; a tenant must never be able to use one.
    const found = host === 'system' ? await tokens.verify(token) : undefined;
    return found && { person: found.person, readOnly: found.scope === 'read' };
  }
  const session = await sessions.read(cookie, name);
  return session && { person: session.person, readOnly: false, session };
}

function shortcoming(
  { isOperator }: AuthParts,
  who: Who,
  { owner, action }: Question,
  { person, readOnly }: Entrant,
): Decision | undefined {
  if (readOnly && action === 'act') {
    return refuse('read-only', 'This API token is for reading only.');
  }
  if (who === 'operator' && !isOperator(person)) {
    return refuse('not-operator', 'This page is for the operators of the platform.');
  }
  if (who !== 'members' && who !== 'owner') return undefined;
  const standing = owner === undefined ? 'none' : standingOf(person, owner);
  if (standing === 'owner' || (who === 'members' && standing === 'member')) return undefined;
  const whom = who === 'owner' ? 'its owner' : `${owner?.name} and its members`;
  return refuse(
    'not-member',
    `This function is for ${whom}. You are signed in as ${person.login} (${person.provider}).`,
  );
}

const statuses = { unknown: 404, 'sign-in': 401 } as const;

function refuse(reason: Refusal, message: string): Decision & { allow: false } {
  const status = reason === 'unknown' || reason === 'sign-in' ? statuses[reason] : 403;
  return { allow: false, status, reason, message, cacheSeconds };
}
