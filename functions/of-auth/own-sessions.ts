import { CloudError } from '#shared/errors.ts';
import { type Identity, identityHeader, verifyIdentity } from '#shared/messages/identity.ts';
import { signedPath, singleHeader } from '#shared/messages/receive.ts';
import { receivedRequest } from '#shared/messages/received-request.ts';
import { signatureHeader } from '#shared/messages/signature.ts';
import { type Answer, json } from './answer.ts';
import type { AuthParts, Call } from './parts.ts';

/** `GET /q/sessions`: the sessions of who asks, for the dashboard. */
export async function listSessions(parts: AuthParts, call: Call): Promise<Answer> {
  const { subject } = personOf(parts, call);
  return json(200, { sessions: await parts.sessions.list(subject) });
}

/** `POST /q/sessions/end?id=`: ends one session of who asks. */
export async function endSession(parts: AuthParts, call: Call): Promise<Answer> {
  const { subject } = personOf(parts, call);
  if (!(await parts.sessions.endOne(subject, call.query.get('id') ?? ''))) {
    throw new CloudError('OFC_NOT_FOUND', 'You have no such session, or it has ended.');
  }
  return json(200, {});
}

/** `POST /q/sessions/end-others`: ends all sessions of who asks, but the one in which they ask. */
export async function endOtherSessions(parts: AuthParts, call: Call): Promise<Answer> {
  const { subject, session } = personOf(parts, call);
  if (session === undefined) throw new CloudError('OFC_BAD_REQUEST', 'Nobody is signed in.');
  await parts.sessions.endOthers(subject, session);
  return json(200, {});
}

/**
 * The person whom a function of the platform speaks for. Programs manage no sessions.
 *
 * @throws CloudError `OFC_UNAUTHENTICATED`, `OFC_FORBIDDEN`
 */
function personOf({ config: { signer } }: AuthParts, { request }: Call): Identity {
  const received = receivedRequest(request);
  const identity = verifyIdentity(signer, 'of-auth', signedPath(received), {
    identity: singleHeader(received, identityHeader),
    signature: singleHeader(received, signatureHeader),
  });
  if (!identity.byToken) return identity;
  throw new CloudError('OFC_FORBIDDEN', 'Sessions are managed by people only.');
}
