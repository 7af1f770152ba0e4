import { type Answer, json } from './answer.ts';
import type { AuthParts } from './parts.ts';

/**
 * `GET /auth/health`: how of-auth is doing, without details; those are in its log. The status is 200
 * also with a stale list of customers: decisions are made by the last good one. While the store is out,
 * nobody can tell which sessions were ended, and nobody gets in who must be signed in. `/_/ready` says
 * whether this replica answers at all.
 */
export async function health({ customers, config, storeAnswers }: AuthParts): Promise<Answer> {
  const [list, store] = await Promise.all([customers?.check(), storeAnswers()]);
  const state = list === undefined ? 'off' : list.ok ? 'ok' : list.count > 0 ? 'stale' : 'missing';
  return json(200, {
    status: state === 'stale' || state === 'missing' || !store ? 'degraded' : 'ok',
    customers: { state, ...(list === undefined ? {} : { count: list.count }) },
    store: store ? 'ok' : 'out',
    providers: config.providers.map(({ name }) => name),
  });
}
