import { type Identity, identityHeader, signIdentity } from '#shared/messages/identity.ts';
import type { ReceivedRequest } from '#shared/messages/receive.ts';
import { createSigner, signatureHeader } from '#shared/messages/signature.ts';

/** The signer of the tests. */
export const testSigner = createSigner({ current: 'payload-secret-of-the-tests' });

/** A message as a function of the platform gets it. */
export function signedMessage(receiver: string, content: unknown): ReceivedRequest {
  const rawBody = Buffer.from(JSON.stringify(content));
  const parts = { receiver, method: 'POST', path: '/', body: rawBody };
  const headers = { [signatureHeader]: testSigner.sign(parts) };
  return { method: 'POST', path: '/', rawQuery: '', headers, rawBody };
}

/** A GET that another function of the platform sends. */
export function signedGet(receiver: string, rawQuery: string): ReceivedRequest {
  const path = `/?${rawQuery}`;
  const parts = { receiver, method: 'GET', path, body: '' };
  return get(rawQuery, { [signatureHeader]: testSigner.sign(parts) });
}

/** Somebody who is signed in. */
export function testIdentity(identity: Partial<Identity> = {}): Identity {
  return {
    subject: 'github:1',
    provider: 'github',
    id: '1',
    login: 'alice',
    owners: ['alice'],
    operator: false,
    readOnly: false,
    byToken: false,
    ...identity,
  };
}

/** A GET of somebody who is signed in, as the router hands it on. */
export function visitorGet(
  receiver: string,
  rawQuery: string,
  owners: readonly string[],
): ReceivedRequest {
  const visitor = testIdentity({ login: owners[0] ?? 'nobody', owners });
  const { identity, signature } = signIdentity(testSigner, receiver, `/?${rawQuery}`, visitor);
  return get(rawQuery, { [identityHeader]: identity, [signatureHeader]: signature });
}

/** A GET without any proof. */
export function get(rawQuery: string, headers: Record<string, string> = {}): ReceivedRequest {
  return { method: 'GET', path: '/', rawQuery, headers, rawBody: Buffer.alloc(0) };
}
