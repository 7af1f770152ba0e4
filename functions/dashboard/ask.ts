import * as v from 'valibot';
import { CloudError, errorCodes } from '#shared/errors.ts';
import type { GatewayClient } from '#shared/gateway/gateway-client.ts';
import { type Signer, signatureHeader } from '#shared/messages/signature.ts';

/**
 * Asks another function of the platform, signed, and reads its JSON answer.
 *
 * @throws CloudError `OFC_NOT_FOUND`, `OFC_UPSTREAM` or the gateway client's errors.
 */
export async function ask<Schema extends v.GenericSchema>(
  { gateway, signer }: { readonly gateway: Pick<GatewayClient, 'invoke'>; readonly signer: Signer },
  receiver: string,
  query: Readonly<Record<string, string>>,
  schema: Schema,
): Promise<v.InferOutput<Schema>> {
  const path = `/?${new URLSearchParams(query)}`;
  const signature = signer.sign({ receiver, method: 'GET', path, body: '' });
  const { status, body } = await gateway.invoke(receiver, {
    method: 'GET',
    path,
    headers: { [signatureHeader]: signature },
  });
  if (status === errorCodes.OFC_NOT_FOUND.status) {
    throw new CloudError('OFC_NOT_FOUND', 'There is no such thing, or not any more.');
  }
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), schema), body.toString('utf8'));
  if (status !== 200 || !parsed.success) {
    throw new CloudError(
      'OFC_UPSTREAM',
      `${receiver} gave no answer that can be read (${status}).`,
    );
  }
  return parsed.output;
}
