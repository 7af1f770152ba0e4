import { isUtf8 } from 'node:buffer';
import { createHmac, timingSafeEqual } from 'node:crypto';
import { verifyWithFallback } from '@octokit/webhooks-methods';
import { CloudError } from '../../errors.ts';

/** The secrets with which GitHub may have signed. */
export interface WebhookSecrets {
  readonly current: string;
  /** The one before, while it is being replaced. */
  readonly previous?: string | undefined;
}

/** The signatures of a webhook, as its headers carry them. */
export interface WebhookSignatures {
  /** `X-Hub-Signature-256` */
  readonly sha256: string | undefined;
  /** `X-Hub-Signature`; looked at only if the operator allows SHA-1 and there is no other. */
  readonly sha1: string | undefined;
}

/**
 * Checks that GitHub sent exactly these bytes.
 *
 * @throws CloudError `OFC_UNAUTHENTICATED`, the same for every reason.
 * @see https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
 */
export async function verifyGithubWebhook(
  body: Buffer,
  signatures: WebhookSignatures,
  secrets: WebhookSecrets,
  { allowSha1 = false }: { allowSha1?: boolean } = {},
): Promise<void> {
  const { sha256, sha1 } = signatures;
  const valid =
    sha256 !== undefined
      ? await isSignedSha256(body, sha256, secrets)
      : allowSha1 && sha1 !== undefined && verifySha1(body, sha1, secrets);
  if (!valid) {
    throw new CloudError('OFC_UNAUTHENTICATED', 'The signature of the webhook does not hold.', {
      hint: 'The secret of the webhook must be the one in github-webhook-secret.',
    });
  }
}

/** Whether `sha256=…` is the HMAC of these bytes with one of the secrets. */
export async function isSignedSha256(
  body: Buffer,
  signature: string,
  { current, previous }: WebhookSecrets,
): Promise<boolean> {
  // The library takes text. Bytes that are not UTF-8 would not survive that, and are not JSON either.
  if (body.length === 0 || signature === '' || !isUtf8(body)) return false;
  const others = previous === undefined ? [] : [previous];
  return verifyWithFallback(current, body.toString('utf8'), signature, others);
}

function verifySha1(
  body: Buffer,
  signature: string,
  { current, previous }: WebhookSecrets,
): boolean {
  const hex = /^sha1=([0-9a-f]{40})$/i.exec(signature)?.[1];
  if (hex === undefined) return false;
  const given = Buffer.from(hex, 'hex');
  return [current, ...(previous === undefined ? [] : [previous])]
    .map((secret) => timingSafeEqual(createHmac('sha1', secret).update(body).digest(), given))
    .includes(true);
}
