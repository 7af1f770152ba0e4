import type { Decision } from '#shared/auth/decision.ts';
import { policyOf } from '#shared/auth/route-policy.ts';
import type { Sessions } from '#shared/auth/session.ts';
import type { Customers } from '#shared/customers.ts';
import type { Identity } from '#shared/messages/identity.ts';

/** Who may use the platform; `undefined`: everyone who signs in. */
export type CustomerCheck = Pick<Customers, 'has'> | undefined;

const publicCacheSeconds = 60;
/** Short: somebody may sign in, or be taken off the list. */
const cacheSeconds = 5;

/**
 * Answers one question of the router.
 *
 * @throws What `customers` throws: then there is no decision, and nobody enters.
 */
export async function decide(
  resource: string,
  token: string | undefined,
  { sessions, customers }: { sessions: Sessions; customers: CustomerCheck },
): Promise<Decision> {
  const policy = policyOf(resource);
  if (policy === 'public') return { allow: true, cacheSeconds: publicCacheSeconds };
  if (policy === 'restricted') {
    return { allow: false, status: 404, reason: 'There is nothing here.', cacheSeconds };
  }
  const session = sessions.read(token);
  if (session === undefined) {
    return { allow: false, status: 401, reason: 'Sign in first.', login: true, cacheSeconds };
  }
  const { identity, expiresInSeconds } = session;
  if (!(await isCustomer(identity, customers))) {
    const reason = `${identity.login} is not a customer of this platform. Ask its operator.`;
    return { allow: false, status: 403, reason, cacheSeconds };
  }
  return {
    allow: true,
    identity,
    cacheSeconds: Math.max(0, Math.min(cacheSeconds, expiresInSeconds)),
  };
}

/** A person is a customer by their own name or by that of an organisation they belong to. */
export async function isCustomer({ owners }: Identity, customers: CustomerCheck): Promise<boolean> {
  if (customers === undefined) return true;
  for (const owner of owners) {
    if (await customers.has(owner)) return true;
  }
  return false;
}
