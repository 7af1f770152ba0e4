import { isUtf8 } from 'node:buffer';
import { createHash, timingSafeEqual } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { CloudError } from '../../errors.ts';
import { type ReceivedRequest, singleHeader } from '../../messages/receive.ts';

/** With what one GitLab shows that it sent a webhook. */
export type GitlabSecrets =
  | {
      /** The signing tokens (`whsec_…`) that hold; what is not signed is refused. */
      readonly signing: readonly string[];
    }
  | {
      /** The secret tokens (`X-Gitlab-Token`) that hold. */
      readonly tokens: readonly string[];
    };

/**
 * Checks that this GitLab sent a webhook.
 *
 * A signature covers the bytes, the delivery's id and a time at most five minutes away (Standard
 * Webhooks). A secret token covers nothing: it only shows that the sender knows it.
 *
 * @throws CloudError `OFC_UNAUTHENTICATED`, the same for every reason.
 * @see https://docs.gitlab.com/user/project/integrations/webhooks/#validate-payloads-with-a-signing-token
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export function verifyGitlabWebhook(secrets: GitlabSecrets, request: ReceivedRequest): void {
  const valid =
    'signing' in secrets
      ? secrets.signing.some((secret) => isSigned(secret, request))
      : hasToken(secrets.tokens, singleHeader(request, 'x-gitlab-token'));
  if (!valid) {
    throw new CloudError('OFC_UNAUTHENTICATED', 'The webhook does not show that GitLab sent it.', {
      hint: "The hook's secret token must be the one in gitlab-webhook-secret, or its signing token the one in gitlab-signing-token.",
    });
  }
}

function isSigned(secret: string, request: ReceivedRequest): boolean {
  const headers = {
    'webhook-id': singleHeader(request, 'webhook-id') ?? '',
    'webhook-timestamp': singleHeader(request, 'webhook-timestamp') ?? '',
    'webhook-signature': singleHeader(request, 'webhook-signature') ?? '',
  };
  // The library reads a number leniently, and makes text of the bytes.
  if (!/^\d{1,12}$/.test(headers['webhook-timestamp']) || !isUtf8(request.rawBody)) return false;
  if (!/^v1,[A-Za-z0-9+/=]+(?: v\d+a?,[A-Za-z0-9+/=]+){0,9}$/.test(headers['webhook-signature'])) {
    return false;
  }
  try {
    new Webhook(secret).verify(request.rawBody, headers, { jsonParse: false });
    return true;
  } catch {
    return false;
  }
}

/** All are compared, each in constant time. */
function hasToken(tokens: readonly string[], given = ''): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return tokens.map((token) => timingSafeEqual(digest(token), digest(given))).includes(true);
}
