import { randomBytes } from 'node:crypto';
import * as v from 'valibot';
import { CloudError } from '../errors.ts';
import type { Owner } from '../names.ts';
import { createJson, getJson, putJson } from '../object-store/json.ts';
import { keyPart } from '../object-store/keys.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import type { Vault } from '../vault.ts';

/** An owner at an SCM: somebody of the same name elsewhere is somebody else. */
export interface OwnerAt {
  readonly owner: Owner;
  readonly scm: string;
}

const publicEntries = {
  id: v.pipe(v.string(), v.regex(/^[0-9a-f]{16}$/)),
  /** `slack`: an incoming webhook of Slack or what understands its messages. */
  kind: v.picklist(['slack', 'webhook']),
  /** Of its address; the rest of it is a secret with many services. */
  host: v.string(),
  /** Which results are sent there. */
  events: v.picklist(['all', 'failed']),
  createdAt: v.number(),
  createdBy: v.string(),
};

/** A place that is told how an owner's deployments ended, as the owner sees it. */
export const destinationSchema = v.object(publicEntries);
export type Destination = v.InferOutput<typeof destinationSchema>;

/** What a new destination is made from. */
export const newDestinationSchema = v.object({
  kind: publicEntries.kind,
  events: publicEntries.events,
  url: v.string(),
});
export type NewDestination = v.InferOutput<typeof newDestinationSchema>;

/** Where to send to, and the key that its receiver checks signatures with. */
export interface OpenedDestination extends Destination {
  readonly url: string;
  readonly secret: string;
}

/** The destinations of owners. Address and secret are sealed in the object store. */
export interface Destinations {
  /**
   * @returns the destination and its secret, which is not shown again.
   * @throws CloudError `OFC_BUSY` at the most per owner.
   */
  add(
    at: OwnerAt,
    wanted: NewDestination,
    url: URL,
    by: string,
  ): Promise<{ destination: Destination; secret: string }>;
  list(at: OwnerAt): Promise<Destination[]>;
  /**
   * `undefined` if the owner has no such destination.
   *
   * @throws CloudError `OFC_SECRETS` if what is sealed cannot be opened any more.
   */
  open(at: OwnerAt, id: string): Promise<OpenedDestination | undefined>;
  /** `false` if the owner has no such destination. */
  remove(at: OwnerAt, id: string): Promise<boolean>;
}

/** The most that one owner can have. */
export const maxDestinations = 10;

const recordSchema = v.object({ ...publicEntries, sealed: v.string() });
const sealedSchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({ url: v.string(), secret: v.string() }),
);

/**
 * Makes {@link Destinations}.
 *
 * @param now Milliseconds, for tests.
 */
export function createDestinations(
  store: Pick<ObjectStore, 'create' | 'get' | 'put' | 'list' | 'exists' | 'delete'>,
  vault: Vault,
  now: () => number = Date.now,
): Destinations {
  const prefixOf = ({ owner, scm }: OwnerAt) => `notifications/${keyPart(owner)}/${keyPart(scm)}/`;
  const keyOf = (at: OwnerAt, id: string) => `${prefixOf(at)}${keyPart(id)}.json`;
  const keysOf = (at: OwnerAt) => store.list(prefixOf(at), { limit: maxDestinations });

  return {
    async add(at, { kind, events }, url, by) {
      if ((await keysOf(at)).length >= maxDestinations) {
        throw new CloudError('OFC_BUSY', `There are ${maxDestinations} destinations already.`, {
          hint: 'Remove one that is not used any more.',
        });
      }
      const id = randomBytes(8).toString('hex');
      // As Standard Webhooks has it: the prefix, and 24 to 64 random bytes.
      const secret = `whsec_${randomBytes(32).toString('base64')}`;
      const destination = { id, kind, host: url.host, events, createdAt: now(), createdBy: by };
      const key = keyOf(at, id);
      const sealed = vault.seal(JSON.stringify({ url: url.href, secret }), key);
      await createJson(store, key, { ...destination, sealed });
      return { destination, secret };
    },
    async list(at) {
      const records = await Promise.all(
        (await keysOf(at)).map((key) => getJson(store, key, destinationSchema)),
      );
      return records
        .filter((record) => record !== undefined)
        .sort((a, b) => a.createdAt - b.createdAt);
    },
    async open(at, id) {
      const key = keyOf(at, id);
      const record = await getJson(store, key, recordSchema);
      if (record === undefined) return undefined;
      const { sealed, ...destination } = record;
      const opened = vault.open(sealed, key);
      if (opened === undefined) {
        throw new CloudError('OFC_SECRETS', 'The address of this destination cannot be opened.', {
          hint: 'The platform has a new payload-secret: remove the destination and add it again.',
        });
      }
      const { text, stale } = opened;
      if (stale) await putJson(store, key, { ...destination, sealed: vault.seal(text, key) });
      return { ...destination, ...v.parse(sealedSchema, text) };
    },
    async remove(at, id) {
      const isThere = await store.exists(keyOf(at, id));
      await store.delete(keyOf(at, id));
      return isThere;
    },
  };
}
