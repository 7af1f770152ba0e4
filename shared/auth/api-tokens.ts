import { createHash, randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import * as v from 'valibot';
import { CloudError } from '../errors.ts';
import { createJson, getJson } from '../object-store/json.ts';
import { keyPart } from '../object-store/keys.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import type { People } from './people.ts';
import type { Person } from './person.ts';

/** What an API token is for: reading only, or everything its person may do. */
export type TokenScope = 'read' | 'act';

/** A token as its person sees it. The token itself is shown once, when it is made. */
export interface ApiToken {
  /** Names the token, and gives nothing away. */
  readonly id: string;
  readonly name: string;
  readonly scope: TokenScope;
  /** Unix seconds. */
  readonly createdAt: number;
  readonly expiresAt: number;
}

/** Tokens with which programs act for a person: `Authorization: Bearer ofc_…` on the system host. */
export interface ApiTokens {
  /** @throws CloudError `OFC_BAD_REQUEST` for an odd name or time, `OFC_BUSY` at the most per person. */
  create(
    subject: string,
    wanted: { readonly name: string; readonly scope: TokenScope; readonly lifetimeDays: number },
  ): Promise<{ token: string; info: ApiToken }>;
  list(subject: string): Promise<ApiToken[]>;
  /** `false` if the person has no such token. */
  revoke(subject: string, id: string): Promise<boolean>;
  /**
   * Who a token stands for; `undefined` if it is unknown, revoked or expired, or if its person has not
   * signed in for {@link staleDays}: groups are as they were at the last log-in.
   *
   * @throws CloudError `OFC_UPSTREAM` if the store does not answer.
   */
  verify(token: string): Promise<{ person: Person; scope: TokenScope } | undefined>;
}

/** How long a person's tokens work without a log-in. */
export const staleDays = 30;
/** A token lives at most this long. */
export const maxTokenDays = 366;
const maxTokensPerPerson = 50;

const recordSchema = v.object({
  name: v.string(),
  scope: v.picklist(['read', 'act']),
  createdAt: v.number(),
  expiresAt: v.number(),
});
type TokenRecord = v.InferOutput<typeof recordSchema>;

/** `ofc_<provider>.<user id>.<43 characters>`: the person's prefix makes one look-up of each question. */
const tokenShape = /^ofc_([a-z][a-z0-9-]{0,39})\.([A-Za-z0-9_-]{1,64})\.([\w-]{43})$/;

/** The platform's token in an `Authorization` value; `undefined` if it is somebody else's. */
export function readApiToken(authorization: string | undefined): string | undefined {
  return /^Bearer +(ofc_[!-~]{1,200})$/i.exec(authorization?.trim() ?? '')?.[1];
}

/**
 * Makes {@link ApiTokens}. The store keeps the SHA-256 of a token and never the token; 256 random bits
 * need no slow hash.
 *
 * @param options.cacheMs How long an answer of the store holds, and so how late a revocation works.
 */
export function createApiTokens(
  store: ObjectStore,
  people: People,
  options: { readonly cacheMs?: number; readonly now?: () => number } = {},
): ApiTokens {
  const { cacheMs = 5000, now = Date.now } = options;
  const cache = new LRUCache<string, { record: TokenRecord | undefined; until: number }>({
    max: 5000,
  });
  const prefixOf = (subject: string) => `auth/tokens/${keyPart(subject)}/`;
  const keyOf = (subject: string, id: string) => `${prefixOf(subject)}${keyPart(id)}.json`;
  const seconds = () => Math.floor(now() / 1000);
  const idsOf = async (subject: string) => {
    const keys = await store.list(prefixOf(subject), { limit: maxTokensPerPerson });
    return keys.map((key) => key.slice(prefixOf(subject).length, -'.json'.length));
  };
  const find = async (key: string): Promise<TokenRecord | undefined> => {
    const cached = cache.get(key);
    if (cached !== undefined && cached.until > now()) return cached.record;
    const record = await getJson(store, key, recordSchema);
    cache.set(key, { record, until: now() + cacheMs });
    return record;
  };

  return {
    async create(subject, { name, scope, lifetimeDays }) {
      if (!/^[^\p{Cc}]{1,100}$/u.test(name.trim())) {
        throw new CloudError('OFC_BAD_REQUEST', 'A token needs a name of 1 to 100 characters.');
      }
      if (!(lifetimeDays >= 1 && lifetimeDays <= maxTokenDays)) {
        throw new CloudError('OFC_BAD_REQUEST', `A token lives 1 to ${maxTokenDays} days.`);
      }
      if ((await idsOf(subject)).length >= maxTokensPerPerson) {
        throw new CloudError('OFC_BUSY', `There are ${maxTokensPerPerson} tokens already.`, {
          hint: 'Revoke one that is not used any more.',
        });
      }
      const token = `ofc_${subject.replace(':', '.')}.${randomBytes(32).toString('base64url')}`;
      if (!tokenShape.test(token)) throw new Error('The subject cannot stand in a token.');
      const createdAt = seconds();
      const expiresAt = createdAt + Math.floor(lifetimeDays * 86_400);
      const record = { name: name.trim(), scope, createdAt, expiresAt };
      const id = idOf(token);
      await createJson(store, keyOf(subject, id), record);
      cache.delete(keyOf(subject, id));
      return { token, info: { id, ...record } };
    },
    async list(subject) {
      const found = await Promise.all(
        (await idsOf(subject)).map(async (id) => {
          const record = await getJson(store, keyOf(subject, id), recordSchema);
          return record === undefined ? [] : [{ id, ...record }];
        }),
      );
      return found.flat().sort((a, b) => b.createdAt - a.createdAt);
    },
    async revoke(subject, id) {
      const key = keyOf(subject, id);
      const isThere = await store.exists(key);
      await store.delete(key);
      cache.delete(key);
      return isThere;
    },
    async verify(token) {
      const [, provider = '', userId = ''] = tokenShape.exec(token) ?? [];
      if (userId === '') return undefined;
      const subject = `${provider}:${userId}`;
      const record = await find(keyOf(subject, idOf(token)));
      if (record === undefined || record.expiresAt <= seconds()) return undefined;
      const known = await people.find(subject);
      if (known === undefined || known.seenAt + staleDays * 86_400 < seconds()) return undefined;
      return { person: known.person, scope: record.scope };
    },
  };
}

function idOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
