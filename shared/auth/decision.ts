import * as v from 'valibot';
import type { Identity } from '../messages/identity.ts';

/** The header in which the router hands the visitor's session token to of-auth. */
export const sessionHeader = 'x-cloud-session';

/** Where of-auth answers the router; reachable with a valid signature only. */
export const decisionPath = '/q/';

const cacheSeconds = v.pipe(v.number(), v.minValue(0), v.maxValue(3600));

/** What of-auth answers about one resource and one session. */
export const decisionSchema = v.variant('allow', [
  v.object({
    allow: v.literal(true),
    cacheSeconds,
    identity: v.optional(
      v.object({ subject: v.string(), login: v.string(), owners: v.array(v.string()) }),
    ),
  }),
  v.object({
    allow: v.literal(false),
    cacheSeconds,
    status: v.picklist([401, 403, 404]),
    /** A sentence for the visitor. */
    reason: v.string(),
    /** `true`: signing in would help. */
    login: v.optional(v.boolean()),
  }),
]);

/** See {@link decisionSchema}. */
export type Decision =
  | {
      readonly allow: true;
      readonly cacheSeconds: number;
      readonly identity?: Identity | undefined;
    }
  | {
      readonly allow: false;
      readonly cacheSeconds: number;
      readonly status: 401 | 403 | 404;
      readonly reason: string;
      readonly login?: boolean | undefined;
    };
