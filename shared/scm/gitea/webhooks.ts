import { CloudError } from '../../errors.ts';
import { type ReceivedRequest, singleHeader } from '../../messages/receive.ts';
import { parsePushEvent } from '../github/push-event.ts';
import { parseRepositoryEvent } from '../github/repository-event.ts';
import { isSignedSha256, type WebhookSecrets } from '../github/verify-webhook.ts';
import type { ScmEvent } from '../scm-event.ts';
import type { ScmId } from '../scm-id.ts';
import type { ScmWebhooks } from '../scm-webhooks.ts';

/** One Gitea or Forgejo. */
export interface GiteaWebhooksConfig {
  readonly scm: ScmId;
  readonly secrets: WebhookSecrets;
  /** Where repos are cloned from, such as `https://gitea.com`. */
  readonly url: string;
}

/**
 * The webhooks of a Gitea or Forgejo, of a repo, an organisation or the whole system. Their events are
 * shaped as GitHub's; the signature and the headers have names of their own.
 *
 * @see https://docs.gitea.com/usage/webhooks
 * @see https://forgejo.org/docs/latest/user/webhooks/
 */
export function createGiteaWebhooks({ scm, secrets, url }: GiteaWebhooksConfig): ScmWebhooks {
  return {
    scm,
    async verify(request) {
      const signature = header(request, 'signature');
      if (await isSignedSha256(request.rawBody, `sha256=${signature}`, secrets)) return;
      throw new CloudError('OFC_UNAUTHENTICATED', 'The signature of the webhook does not hold.', {
        hint: 'The secret of the webhook must be the one in gitea-webhook-secret.',
      });
    },
    async read(request) {
      const name = header(request, 'event');
      const delivery = header(request, 'delivery');
      if (!/^[a-z_]{1,50}$/.test(name) || !/^[\w-]{8,100}$/.test(delivery)) {
        throw new CloudError('OFC_BAD_REQUEST', 'X-Gitea-Event or X-Gitea-Delivery is malformed.');
      }
      return { delivery, name, event: readEvent(name, request.rawBody.toString('utf8'), url) };
    },
  };
}

/** Forgejo sends both names. */
function header(request: ReceivedRequest, name: string): string {
  const named = (product: string) => singleHeader(request, `x-${product}-${name}`);
  return named('gitea') ?? named('forgejo') ?? '';
}

function readEvent(name: string, body: string, url: string): ScmEvent {
  switch (name) {
    case 'push':
      return parsePushEvent(body, url, 'gitea_url');
    case 'repository':
      return parseRepositoryEvent(body);
    default:
      return { kind: 'ignored', why: `gitea-event cannot handle event: ${name}` };
  }
}
