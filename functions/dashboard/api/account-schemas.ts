import * as v from 'valibot';

/**
 * What the API answers about a person's own access: tokens and sessions. See `schemas.ts`.
 *
 * @module
 */

const text = v.string();

const tokenSchema = v.object({
  id: text,
  name: text,
  /** `read` changes nothing; `act` may do everything its person may do. */
  scope: v.picklist(['read', 'act']),
  /** Unix seconds. */
  createdAt: v.number(),
  expiresAt: v.number(),
});
/** An API token, as far as it is shown more than once. */
export type TokenInfo = v.InferOutput<typeof tokenSchema>;

/** `GET /dashboard/api/tokens` */
export const tokenListSchema = v.object({ tokens: v.array(tokenSchema) });
/** See {@link tokenListSchema}. */
export type TokenList = v.InferOutput<typeof tokenListSchema>;

/** `POST /dashboard/api/make-token` */
export const newTokenSchema = v.object({ token: text, info: tokenSchema });
/** See {@link newTokenSchema}. */
export type NewToken = v.InferOutput<typeof newTokenSchema>;

const sessionSchema = v.object({
  id: text,
  /** What the browser calls itself; empty if that is not known. */
  userAgent: text,
  /** Unix seconds. */
  startedAt: v.number(),
  /** When it was last noted that it is in use; a quarter of the idle time may have gone by since. */
  seenAt: v.number(),
});
/** What of-auth answers about a person's sessions. */
export const ownSessionsSchema = v.object({ sessions: v.array(sessionSchema) });

/** `GET /dashboard/api/sessions` */
export const sessionListSchema = v.object({
  sessions: v.array(
    v.object({
      ...sessionSchema.entries,
      /** Whether it is the one in which this was asked. */
      current: v.boolean(),
    }),
  ),
});
/** See {@link sessionListSchema}. */
export type SessionList = v.InferOutput<typeof sessionListSchema>;
