import { type Answer, json } from './answer.ts';
import type { AuthParts } from './parts.ts';

/**
 * `GET /auth/health`: how of-auth is doing, without details; those are in its log. The status is 200
 * also with a stale list of customers: decisions are made by the last good one. `/_/ready` says whether
 * this replica answers at all.
 */
export async function health({ customers, config }: AuthParts): Promise<Answer> {
  const list = await customers?.check();
  const state = list === undefined ? 'off' : list.ok ? 'ok' : list.count > 0 ? 'stale' : 'missing';
  return json(200, {
    status: state === 'stale' || state === 'missing' ? 'degraded' : 'ok',
    customers: { state, ...(list === undefined ? {} : { count: list.count }) },
    providers: config.providers.map(({ name }) => name),
  });
}
