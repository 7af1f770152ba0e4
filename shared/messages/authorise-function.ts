import { CloudError } from '../errors.ts';
import type { FunctionStatus } from '../gateway/function-status.ts';
import type { GatewayClient } from '../gateway/gateway-client.ts';
import { belongsTo, cloudLabel } from '../pipeline/labels.ts';
import { identityHeader, verifyIdentity } from './identity.ts';
import { type ReceivedRequest, signedPath, singleHeader, verifyRequest } from './receive.ts';
import { type Signer, signatureHeader } from './signature.ts';

/**
 * Finds a deployed function for a request that another function of the platform signed, or that
 * comes from somebody who is signed in and may see its owner. What belongs to others, or to the
 * platform, does not exist for a visitor: the answer does not tell whether it is there.
 *
 * @param receiver The function that this is.
 * @param service The deployed name, with `.namespace` or without.
 * @throws CloudError `OFC_UNAUTHENTICATED` or `OFC_NOT_FOUND`
 */
export async function authoriseFunction(
  { signer, gateway }: { readonly signer: Signer; readonly gateway: Pick<GatewayClient, 'get'> },
  receiver: string,
  request: ReceivedRequest,
  service: string,
): Promise<FunctionStatus> {
  const identity = singleHeader(request, identityHeader);
  let maySee = (_: FunctionStatus): boolean => true;
  if (identity === undefined) verifyRequest(signer, receiver, request);
  else {
    const signature = singleHeader(request, signatureHeader);
    const visitor = verifyIdentity(signer, receiver, signedPath(request), { identity, signature });
    // Somebody of an owner's name at another SCM is somebody else.
    maySee = (fn) =>
      (fn.labels?.[cloudLabel.scm] ?? 'github') === visitor.provider &&
      visitor.owners.some((owner) => belongsTo(fn, owner));
  }
  const [name = '', namespace] = service.split('.');
  const fn = await gateway.get(name);
  const elsewhere = namespace !== undefined && namespace !== (fn?.namespace ?? 'openfaas-fn');
  if (fn === undefined || elsewhere || !maySee(fn)) {
    throw new CloudError('OFC_NOT_FOUND', 'There is no such function.');
  }
  return fn;
}
