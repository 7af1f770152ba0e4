import * as v from 'valibot';
import { type Signer, signatureHeader } from './signature.ts';

/** What of-router vouches for when it hands a request to of-auth. */
export interface Visitor {
  /** The host that was called: canonical, with the site's port. */
  readonly host: string;
  /** Where the request came from. */
  readonly address: string;
}

/** The header that carries a {@link Visitor}; signed, and dropped from what visitors send. */
export const visitorHeader = 'x-cloud-visitor';

const visitorSchema = v.object({ host: v.string(), address: v.string() });
const receiver = 'of-auth';

/** Names and values in turn, for a request of `path` (with its query) to of-auth. */
export function signVisitor(signer: Signer, path: string, visitor: Visitor): string[] {
  const text = Buffer.from(JSON.stringify(visitor)).toString('base64url');
  const signature = signer.sign({ receiver, method: 'VISITOR', path, body: text });
  return [visitorHeader, text, signatureHeader, signature];
}

/**
 * Reads what {@link signVisitor} made.
 *
 * @returns `undefined` if of-router did not vouch for this request: then it came from inside the
 * cluster, past the router, and nothing is known of its host and address.
 */
export function readVisitor(
  signer: Signer,
  path: string,
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Visitor | undefined {
  const { [visitorHeader]: text, [signatureHeader]: signature } = headers;
  if (typeof text !== 'string' || typeof signature !== 'string') return undefined;
  try {
    signer.verify({ receiver, method: 'VISITOR', path, body: text }, signature, 60);
    return v.parse(
      v.pipe(v.string(), v.parseJson(), visitorSchema),
      Buffer.from(text, 'base64url').toString('utf8'),
    );
  } catch {
    return undefined;
  }
}
