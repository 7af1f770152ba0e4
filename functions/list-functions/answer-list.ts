import { CloudError } from '#shared/errors.ts';
import type { GatewayClient } from '#shared/gateway/gateway-client.ts';
import { authoriseOwner } from '#shared/messages/authorise-owner.ts';
import type { ReceivedRequest } from '#shared/messages/receive.ts';
import type { Signer } from '#shared/messages/signature.ts';
import { parseOwner } from '#shared/names.ts';
import { cloudLabel } from '#shared/pipeline/labels.ts';
import { type ListedFunction, listOfOwner } from './list-of-owner.ts';

/** What listing works with. */
export interface Listing {
  readonly signer: Signer;
  readonly gateway: Pick<GatewayClient, 'list'>;
}

/**
 * Answers `GET ?user=<owner>`.
 *
 * @throws CloudError whose status is the answer.
 */
export async function answerList(
  { signer, gateway }: Listing,
  request: ReceivedRequest,
): Promise<ListedFunction[]> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    throw new CloudError('OFC_METHOD', 'Only GET and HEAD are supported.');
  }
  const users = new URLSearchParams(request.rawQuery).getAll('user');
  if (users.length !== 1 || users[0] === '') {
    throw new CloudError('OFC_BAD_REQUEST', 'The query must name one owner: ?user=<owner>.');
  }
  const owner = parseOwner(users[0]);
  authoriseOwner(signer, 'list-functions', request, owner);
  const functions = listOfOwner(await gateway.list(), owner);
  // All functions of an owner are of one SCM; somebody of that name elsewhere is somebody else.
  const scm = functions[0]?.labels[cloudLabel.scm];
  authoriseOwner(signer, 'list-functions', request, owner, scm);
  return functions;
}
