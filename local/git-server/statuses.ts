import * as v from 'valibot';
import { type Addresses, type Json, nodeId } from './github-shapes.ts';
import { validate, webAddress } from './validate.ts';

const schema = v.object({
  state: v.picklist(['error', 'failure', 'pending', 'success']),
  context: v.nullish(v.pipe(v.string(), v.nonEmpty(), v.maxLength(255)), 'default'),
  description: v.nullish(v.pipe(v.string(), v.maxLength(140)), null),
  target_url: v.nullish(v.union([v.literal(''), webAddress]), null),
});

/** A commit status. They are never changed: a newer one of the same context counts. */
export interface CommitStatus {
  readonly id: number;
  readonly state: 'error' | 'failure' | 'pending' | 'success';
  readonly context: string;
  readonly description: string | null;
  readonly targetUrl: string | null;
  readonly createdAt: string;
}

/**
 * Reads the body of "create a commit status".
 *
 * @see https://docs.github.com/en/rest/commits/statuses#create-a-commit-status
 * @throws HttpError 422
 */
export function parseNewStatus(body: unknown): (id: number) => CommitStatus {
  const { state, context, description, target_url: targetUrl } = validate(schema, body, 'Status');
  return (id) => ({
    id,
    state,
    context,
    description,
    targetUrl,
    createdAt: new Date().toISOString(),
  });
}

/** The newest status of each context and what they come to together. */
export function combine(statuses: readonly CommitStatus[]): {
  readonly state: 'failure' | 'pending' | 'success';
  readonly latest: readonly CommitStatus[];
} {
  const latest = [...new Map(statuses.map((status) => [status.context, status])).values()];
  const has = (...states: string[]): boolean => latest.some(({ state }) => states.includes(state));
  const state = has('error', 'failure')
    ? 'failure'
    : latest.length === 0 || has('pending')
      ? 'pending'
      : 'success';
  return { state, latest };
}

/** A status as the API shows it. */
export function statusJson(
  status: CommitStatus,
  fullName: string,
  sha: string,
  at: Addresses,
): Json {
  return {
    url: `${at.api}/repos/${fullName}/statuses/${sha}`,
    id: status.id,
    node_id: nodeId('StatusContext', status.id),
    state: status.state,
    context: status.context,
    description: status.description,
    target_url: status.targetUrl,
    created_at: status.createdAt,
    updated_at: status.createdAt,
  };
}
