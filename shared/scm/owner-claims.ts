import { LRUCache } from 'lru-cache';
import * as v from 'valibot';
import { CloudError } from '../errors.ts';
import type { Owner } from '../names.ts';
import { createJson, getJson } from '../object-store/json.ts';
import { keyPart } from '../object-store/keys.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import { parsedBy } from '../pipeline/deployment.ts';
import { parseScmId, type ScmId } from './scm-id.ts';

const claimSchema = v.object({ scm: parsedBy(parseScmId), id: v.number() });

/** To whom an owner's name belongs: an account of one SCM, by its stable id. */
export type OwnerClaim = v.InferOutput<typeof claimSchema>;

/**
 * Names of owners are one space for all SCMs, so whoever pushes first under a name has it: neither
 * another SCM's account of that name, nor somebody who takes over a login that was given up, gets at
 * the functions, logs and secrets of the one before.
 */
export interface OwnerClaims {
  /** @throws CloudError `OFC_NAME_TAKEN` if the name belongs to another account. */
  claim(owner: Owner, account: OwnerClaim): Promise<void>;
  of(owner: Owner): Promise<OwnerClaim | undefined>;
  /** Gives the name free, if it belongs to an account of that SCM. */
  release(owner: Owner, scm: ScmId): Promise<void>;
}

/** How long a process relies on what it read. */
const ttlMs = 60_000;

/** Makes {@link OwnerClaims}. */
export function createOwnerClaims(store: ObjectStore): OwnerClaims {
  const known = new LRUCache<Owner, OwnerClaim>({ max: 1000, ttl: ttlMs });
  const key = (owner: Owner) => `owners/${keyPart(owner)}.json`;
  const read = async (owner: Owner): Promise<OwnerClaim | undefined> => {
    const claim = known.get(owner) ?? (await getJson(store, key(owner), claimSchema));
    if (claim !== undefined) known.set(owner, claim);
    return claim;
  };
  return {
    of: read,
    async claim(owner, account) {
      const { scm, id } = account;
      let claim = await read(owner);
      if (claim === undefined && !(await createJson(store, key(owner), { scm, id }))) {
        claim = await read(owner);
      }
      if (claim === undefined || (claim.scm === scm && claim.id === id)) return;
      throw new CloudError(
        'OFC_NAME_TAKEN',
        `The owner name "${owner}" belongs to another account here, of ${claim.scm}.`,
        { hint: 'The operator of this platform can give it free.' },
      );
    },
    async release(owner, scm) {
      known.delete(owner);
      if ((await read(owner))?.scm === scm) await store.delete(key(owner));
      known.delete(owner);
    },
  };
}
