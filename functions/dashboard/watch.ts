import { CloudError } from '#shared/errors.ts';
import { type Owner, parseRepoName } from '#shared/names.ts';
import { keyPart, textOfPart } from '#shared/object-store/keys.ts';
import type { ObjectStore } from '#shared/object-store/object-store.ts';
import { parseDeploymentId } from '#shared/pipeline/deployment.ts';
import { newestDeployments } from '#shared/pipeline/deployment-list.ts';
import type { Records } from '#shared/pipeline/records.ts';

/** What can change: an owner's deployments, or what runs. */
export type Topic = 'deployments' | 'functions';

/** Tells who looks at an owner's pages that there is something new to ask for. */
export interface Watch {
  /**
   * @param person Who looks: each may have a few open pages.
   * @returns ends it
   * @throws CloudError `OFC_BUSY` if there are too many
   */
  follow(owner: Owner, person: string, onChange: (topic: Topic) => void): () => void;
}

interface Watching {
  readonly store: Pick<ObjectStore, 'list' | 'folders'>;
  readonly records: Pick<Records, 'load'>;
  /** All that a list of an owner's functions shows, as text. */
  readonly functionsOf: (owner: Owner) => Promise<string>;
  readonly everyMs?: number;
  readonly perPerson?: number;
  readonly inAll?: number;
}

interface Follower {
  readonly owner: Owner;
  readonly person: string;
  readonly onChange: (topic: Topic) => void;
}

/** So many looks at open deployments for one at the rest. */
const rare = 4;

/**
 * Makes a {@link Watch}. The object store tells nobody of changes, so it is looked at while somebody
 * follows: one list of all open deployments for all followers together.
 */
export function createWatch(watching: Watching): Watch {
  const { everyMs = 700, perPerson = 10, inAll = 300 } = watching;
  const followers = new Set<Follower>();
  const seen = new Map<string, string>();
  let timer: NodeJS.Timeout | undefined;
  let round = 0;

  const compare = (owner: Owner, topic: Topic, now: string): boolean => {
    const key = `${topic} ${owner}`;
    const before = seen.get(key);
    seen.set(key, now);
    if (before === undefined || before === now) return false;
    for (const each of followers) if (each.owner === owner) each.onChange(topic);
    return true;
  };
  const look = async (): Promise<void> => {
    const open = await watching.store.list('open/');
    const owners = new Set([...followers].map(({ owner }) => owner));
    for (const key of seen.keys()) if (!owners.has(key.split(' ')[1] as Owner)) seen.delete(key);
    const isRare = round++ % rare === 0;
    for (const owner of owners) {
      const text = await deploymentsOf(watching, owner, open);
      const changed = compare(owner, 'deployments', text);
      if (!isRare && !changed) continue;
      compare(owner, 'functions', await watching.functionsOf(owner));
    }
  };
  const run = (): void => {
    timer = setTimeout(() => {
      // What fails now is looked at again in a moment, and the page polls besides.
      void look()
        .catch(() => undefined)
        .then(() => {
          if (followers.size > 0) run();
          else timer = undefined;
        });
    }, everyMs);
  };

  return {
    follow(owner, person, onChange) {
      const own = [...followers].filter((each) => each.person === person).length;
      if (own >= perPerson || followers.size >= inAll) {
        throw new CloudError('OFC_BUSY', 'Too many pages are open; this one asks now and then.');
      }
      const follower = { owner, person, onChange };
      followers.add(follower);
      if (timer === undefined) run();
      return () => void followers.delete(follower);
    },
  };
}

/** What is known of an owner's open deployments and the newest one, as text. */
async function deploymentsOf(
  { store, records }: Watching,
  owner: Owner,
  open: readonly string[],
): Promise<string> {
  const refs = open.flatMap((key) => {
    const [, id, ownerPart, repo = ''] = key.split('/');
    return ownerPart === keyPart(owner)
      ? [{ owner, repo: parseRepoName(textOfPart(repo)), id: parseDeploymentId(id) }]
      : [];
  });
  const loaded = await Promise.all(refs.map((ref) => records.load(ref)));
  const newest = await newestDeployments(store, owner, { limit: 1 });
  return JSON.stringify([
    newest,
    loaded.map((found) => [
      found?.deployment.id,
      found?.plan?.outcome,
      [...(found?.builds.keys() ?? [])],
      [...(found?.deploys.keys() ?? [])],
      [...(found?.claimed ?? [])],
      found?.closed?.state,
    ]),
  ]);
}
