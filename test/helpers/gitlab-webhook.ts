import { randomUUID } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import type { ReceivedRequest } from '#shared/messages/receive.ts';

/** The secrets of the tests. */
export const gitlabToken = 'secret-token-of-the-tests';
export const signingToken = `whsec_${Buffer.from('a signing token of thirty-two b.').toString('base64')}`;

/** A webhook as GitLab sends it with a secret token; `headers` replace the usual ones. */
export function gitlabWebhook(
  event: string,
  payload: unknown,
  headers: Record<string, string | undefined> = {},
): ReceivedRequest {
  return {
    method: 'POST',
    path: '/',
    rawQuery: '',
    rawBody: Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload)),
    headers: {
      'content-type': 'application/json',
      'x-gitlab-event': event,
      'x-gitlab-token': gitlabToken,
      'x-gitlab-event-uuid': randomUUID(),
      'idempotency-key': randomUUID(),
      ...headers,
    },
  };
}

/** The headers of a signed webhook. */
export function signedHeaders(
  body: string,
  { id = randomUUID(), at = new Date(), secret = signingToken } = {},
): Record<string, string> {
  return {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': new Webhook(secret).sign(id, at, body),
  };
}
