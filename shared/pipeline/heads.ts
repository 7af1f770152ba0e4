import * as v from 'valibot';

/** An accepted push on a branch. */
export const headSchema = v.object({ id: v.string(), sha: v.string(), before: v.string() });
export type Head = v.InferOutput<typeof headSchema>;

/**
 * The newest of some pushes on one branch. Webhooks can overtake each other, so what counts is how the
 * pushes follow one another: together they are a walk from commit to commit, and it ends where more
 * pushes arrive than leave, also after a branch was forced back. Where pushes are missing there are
 * several such ends; the one that came last, which ids tell, is it.
 */
export function newestHead(heads: readonly Head[]): Head | undefined {
  const surplus = new Map<string, number>();
  const count = (sha: string, change: number) => surplus.set(sha, (surplus.get(sha) ?? 0) + change);
  for (const { sha, before } of heads) {
    count(sha, 1);
    count(before, -1);
  }
  const ends = heads.filter(({ sha }) => (surplus.get(sha) ?? 0) > 0);
  return (ends.length > 0 ? ends : heads).reduce<Head | undefined>(
    (newest, head) => (newest === undefined || head.id > newest.id ? head : newest),
    undefined,
  );
}
