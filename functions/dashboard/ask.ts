import * as v from 'valibot';
import { CloudError, errorCodes } from '#shared/errors.ts';
import type { GatewayClient, InvocationAnswer } from '#shared/gateway/gateway-client.ts';
import { type Identity, identityHeader, signIdentity } from '#shared/messages/identity.ts';
import { type Signer, signatureHeader } from '#shared/messages/signature.ts';

interface Asking {
  readonly gateway: Pick<GatewayClient, 'invoke'>;
  readonly signer: Signer;
}

/**
 * Asks another function of the platform, signed, and reads its JSON answer.
 *
 * @throws CloudError `OFC_NOT_FOUND`, `OFC_UPSTREAM` or the gateway client's errors.
 */
export async function ask<Schema extends v.GenericSchema>(
  { gateway, signer }: Asking,
  receiver: string,
  query: Readonly<Record<string, string>>,
  schema: Schema,
): Promise<v.InferOutput<Schema>> {
  const path = `/?${new URLSearchParams(query)}`;
  const signature = signer.sign({ receiver, method: 'GET', path, body: '' });
  const headers = { [signatureHeader]: signature };
  return read(receiver, await gateway.invoke(receiver, { method: 'GET', path, headers }), schema);
}

/**
 * As {@link ask}, in the name of who is signed in: the receiver decides what they may see or do.
 *
 * @param path With its query.
 * @throws as {@link ask}
 */
export async function askAs<Schema extends v.GenericSchema>(
  { gateway, signer }: Asking,
  receiver: string,
  path: string,
  visitor: Identity,
  schema: Schema,
  method: 'GET' | 'POST' = 'GET',
): Promise<v.InferOutput<Schema>> {
  const { identity, signature } = signIdentity(signer, receiver, path, visitor);
  const headers = {
    accept: 'application/json',
    [identityHeader]: identity,
    [signatureHeader]: signature,
  };
  const options = { method, path, headers, timeoutMs: 65_000 };
  return read(receiver, await gateway.invoke(receiver, options), schema);
}

/**
 * Sends a signed message and waits until it is done.
 *
 * @throws as {@link ask}
 */
export async function send(
  { gateway, signer }: Asking,
  receiver: string,
  message: object,
): Promise<void> {
  const body = JSON.stringify(message);
  const signature = signer.sign({ receiver, method: 'POST', path: '/', body });
  const headers = { [signatureHeader]: signature };
  read(receiver, await gateway.invoke(receiver, { method: 'POST', headers, body }), v.unknown());
}

function read<Schema extends v.GenericSchema>(
  receiver: string,
  { status, body }: InvocationAnswer,
  schema: Schema,
): v.InferOutput<Schema> {
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
