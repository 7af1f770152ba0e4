import { CloudError } from '../errors.ts';
import type { Signer } from './signature.ts';

const parameter = 'signature';

/**
 * The URL to which a queue worker posts a step's answer. It carries its own signature, because a
 * callback may also report a crash, which has neither a body nor headers of ours. The callback goes
 * through the queue again, so it is kept and tried like any message.
 *
 * @param gatewayUrl Base URL of the gateway, without a trailing slash.
 * @param receiver The function that goes on.
 * @param query What the receiver must know; read back by {@link verifyCallbackQuery}.
 */
export function signedCallbackUrl(
  signer: Signer,
  gatewayUrl: string,
  receiver: string,
  query: Readonly<Record<string, string>>,
): string {
  const search = new URLSearchParams(query);
  search.sort();
  search.set(parameter, signer.sign(parts(receiver, search)));
  return `${gatewayUrl}/async-function/${receiver}?${search}`;
}

/**
 * The parameters of a signed callback URL.
 *
 * @throws CloudError `OFC_UNAUTHENTICATED` if they were not signed for this receiver.
 */
export function verifyCallbackQuery(
  signer: Signer,
  receiver: string,
  rawQuery: string,
  maxAgeSeconds?: number,
): Readonly<Record<string, string>> {
  const search = new URLSearchParams(rawQuery);
  const signature = search.get(parameter) ?? undefined;
  search.delete(parameter);
  search.sort();
  if (new Set(search.keys()).size !== [...search.keys()].length) {
    throw new CloudError('OFC_UNAUTHENTICATED', 'A callback parameter is given twice.');
  }
  signer.verify(parts(receiver, search), signature, maxAgeSeconds);
  return Object.fromEntries(search);
}

function parts(receiver: string, search: URLSearchParams) {
  return { receiver, method: 'CALLBACK', path: `/?${search}`, body: '' };
}
