import { createHmac, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { ReceivedRequest } from '#shared/messages/receive.ts';

/** The webhook secret of the tests. */
export const webhookSecret = 'webhook-secret-of-the-tests';

/** The push event of a fixture, to be changed by a test. */
export function githubPayload(name: string): PushPayload {
  const path = new URL(`../fixtures/github/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(path, 'utf8'));
}

/** The parts of a payload that tests change. */
export interface PushPayload {
  ref: string;
  before: string;
  after: string;
  deleted: boolean;
  head_commit: { message: string } | null;
  repository: {
    name: string;
    full_name: string;
    clone_url: string;
    default_branch: string;
    owner: { login: string; id: number };
  };
  installation?: { id: number };
}

/** `X-Hub-Signature-256` of a body. */
export function hubSignature(body: Buffer | string, secret: string = webhookSecret): string {
  return `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
}

/** A webhook as GitHub sends it; `headers` replace (or with `undefined` remove) the usual ones. */
export function githubWebhook(
  event: string,
  payload: unknown,
  {
    delivery = randomUUID(),
    headers = {},
  }: { delivery?: string; headers?: Record<string, string | undefined> } = {},
): ReceivedRequest {
  const rawBody = Buffer.isBuffer(payload)
    ? payload
    : Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload));
  return {
    method: 'POST',
    path: '/',
    rawQuery: '',
    rawBody,
    headers: {
      'content-type': 'application/json',
      'x-github-event': event,
      'x-github-delivery': delivery,
      'x-hub-signature-256': hubSignature(rawBody),
      ...headers,
    },
  };
}
