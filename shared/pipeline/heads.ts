import * as v from 'valibot';

/** An accepted push on a branch. */
export const headSchema = v.object({ id: v.string(), sha: v.string(), before: v.string() });
export type Head = v.InferOutput<typeof headSchema>;

/**
 * The newest of some pushes on one branch. Webhooks can overtake each other: where one push began at
 * the commit with which another ended, that order counts, else the time of arrival, which ids carry.
 */
export function newestHead(heads: readonly Head[]): Head | undefined {
  return heads.reduce<Head | undefined>((newest, head) => {
    if (newest === undefined || follows(head, newest)) return head;
    return newest;
  }, undefined);
}

function follows(head: Head, other: Head): boolean {
  if (head.sha !== other.sha) {
    if (head.before === other.sha) return true;
    if (other.before === head.sha) return false;
  }
  return head.id > other.id;
}
