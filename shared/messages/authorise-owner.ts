import { CloudError } from '../errors.ts';
import type { Owner } from '../names.ts';
import { identityHeader, verifyIdentity } from './identity.ts';
import { type ReceivedRequest, signedPath, singleHeader, verifyRequest } from './receive.ts';
import { type Signer, signatureHeader } from './signature.ts';

/**
 * Lets a request for something of `owner` pass if another function of the platform signed it, or if
 * it comes from somebody who is signed in and may see that owner.
 *
 * @param receiver The function that this is.
 * @param scm The SCM of that owner, where it is known: somebody of that name elsewhere is somebody else.
 * @throws CloudError `OFC_UNAUTHENTICATED` or `OFC_FORBIDDEN`
 */
export function authoriseOwner(
  signer: Signer,
  receiver: string,
  request: ReceivedRequest,
  owner: Owner,
  scm?: string,
): void {
  const identity = singleHeader(request, identityHeader);
  if (identity === undefined) {
    verifyRequest(signer, receiver, request);
    return;
  }
  const signature = singleHeader(request, signatureHeader);
  const visitor = verifyIdentity(signer, receiver, signedPath(request), { identity, signature });
  const isThere = scm === undefined || visitor.provider === scm;
  if (!isThere || !visitor.owners.some((name) => name.toLowerCase() === owner)) {
    throw new CloudError('OFC_FORBIDDEN', `${visitor.login} may not see what "${owner}" has.`);
  }
}
