import { LRUCache } from 'lru-cache';
import * as v from 'valibot';
import { getJson, putJson } from '../object-store/json.ts';
import { keyPart } from '../object-store/keys.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import { type Person, subjectOf } from './person.ts';

/** What was known of somebody at their last log-in. */
export interface KnownPerson {
  readonly person: Person;
  /** Unix seconds. */
  readonly seenAt: number;
}

/** Remembers people and their groups: for sessions whose list is too long for a cookie, and for API tokens. */
export interface People {
  save(person: Person): Promise<void>;
  /** @throws CloudError `OFC_UPSTREAM` if the store does not answer. */
  find(subject: string): Promise<KnownPerson | undefined>;
}

/** The shape of a {@link Person}. */
export const personSchema = v.object({
  provider: v.string(),
  id: v.string(),
  login: v.string(),
  groups: v.array(v.object({ path: v.string(), id: v.optional(v.string()), admin: v.boolean() })),
});

const recordSchema = v.object({ person: personSchema, seenAt: v.number() });

/** How long another replica's log-in of the same person may go unnoticed. */
const cacheMs = 60_000;

/**
 * Makes {@link People} in the object store, with a bounded cache in front.
 *
 * @param now Milliseconds, for tests.
 */
export function createPeople(store: ObjectStore, now: () => number = Date.now): People {
  const cache = new LRUCache<string, { readonly known: KnownPerson | undefined; until: number }>({
    max: 1000,
  });
  const keyOf = (subject: string) => `auth/people/${keyPart(subject)}.json`;
  return {
    async save(person) {
      const known = { person, seenAt: Math.floor(now() / 1000) };
      await putJson(store, keyOf(subjectOf(person)), known);
      cache.set(subjectOf(person), { known, until: now() + cacheMs });
    },
    async find(subject) {
      const cached = cache.get(subject);
      if (cached !== undefined && cached.until > now()) return cached.known;
      const known = await getJson(store, keyOf(subject), recordSchema);
      cache.set(subject, { known, until: now() + cacheMs });
      return known;
    },
  };
}
