import * as v from 'valibot';
import { CloudError } from '../errors.ts';
import type { Signer } from './signature.ts';

/** Who is signed in, as of-auth found it and of-router hands it on to a platform function. */
export interface Identity {
  /** The provider and its stable user id, such as `github:1234`. */
  readonly subject: string;
  /** The SCM at which the person signed in, as in `Deployment.scm`. */
  readonly provider: string;
  /** The provider's stable user id. */
  readonly id: string;
  readonly login: string;
  /** The owners this person may see: the login first, then organisations or groups. Lower case. */
  readonly owners: readonly string[];
  /** Whether the person runs the platform. */
  readonly operator: boolean;
  /** The person sent an API token that is for reading: refuse what changes something. */
  readonly readOnly: boolean;
  /** A program asks, by an API token of that person. */
  readonly byToken: boolean;
  /** The id of the session that a browser showed; it lets nobody in. */
  readonly session?: string | undefined;
}

/** The header that carries an {@link Identity}; signed, and dropped from what visitors send. */
export const identityHeader = 'x-cloud-identity';

/** The shape of an {@link Identity}. */
export const identitySchema = v.object({
  subject: v.string(),
  provider: v.string(),
  id: v.string(),
  login: v.string(),
  owners: v.array(v.string()),
  operator: v.boolean(),
  readOnly: v.boolean(),
  byToken: v.boolean(),
  session: v.optional(v.string()),
});

/** The two header values with which of-router tells `receiver` who calls `path` (with its query). */
export function signIdentity(
  signer: Signer,
  receiver: string,
  path: string,
  identity: Identity,
): { identity: string; signature: string } {
  const text = Buffer.from(JSON.stringify(identity)).toString('base64url');
  const signature = signer.sign({ receiver, method: 'IDENTITY', path, body: text });
  return { identity: text, signature };
}

/**
 * Checks and reads what {@link signIdentity} made.
 *
 * @throws CloudError `OFC_UNAUTHENTICATED`
 */
export function verifyIdentity(
  signer: Signer,
  receiver: string,
  path: string,
  headers: { readonly identity: string | undefined; readonly signature: string | undefined },
): Identity {
  const text = headers.identity ?? '';
  signer.verify({ receiver, method: 'IDENTITY', path, body: text }, headers.signature, 60);
  const parsed = v.safeParse(
    v.pipe(v.string(), v.parseJson(), identitySchema),
    Buffer.from(text, 'base64url').toString('utf8'),
  );
  if (!parsed.success) {
    throw new CloudError('OFC_UNAUTHENTICATED', 'The identity header is malformed.');
  }
  return parsed.output;
}
