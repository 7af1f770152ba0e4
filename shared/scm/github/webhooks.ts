import { type ReceivedRequest, singleHeader } from '../../messages/receive.ts';
import { requiredHeader } from '../../webhooks/required-header.ts';
import type { ScmEvent } from '../scm-event.ts';
import type { ScmId } from '../scm-id.ts';
import type { ScmWebhooks } from '../scm-webhooks.ts';
import { parseInstallationEvent } from './installation-event.ts';
import { parsePushEvent } from './push-event.ts';
import { parseRepositoryEvent } from './repository-event.ts';
import { verifyGithubWebhook, type WebhookSecrets } from './verify-webhook.ts';

/** One GitHub App. */
export interface GithubWebhooksConfig {
  readonly scm: ScmId;
  readonly secrets: WebhookSecrets;
  readonly allowSha1: boolean;
  /** Where repos are cloned from, such as `https://github.com`. */
  readonly githubUrl: string;
}

/**
 * The webhooks of a GitHub App.
 *
 * @see https://docs.github.com/en/webhooks/webhook-events-and-payloads
 */
export function createGithubWebhooks(config: GithubWebhooksConfig): ScmWebhooks {
  const { scm, secrets, allowSha1, githubUrl } = config;
  return {
    scm,
    verify(request) {
      const signatures = {
        sha256: singleHeader(request, 'x-hub-signature-256'),
        sha1: singleHeader(request, 'x-hub-signature'),
      };
      return verifyGithubWebhook(request.rawBody, signatures, secrets, { allowSha1 });
    },
    async read(request) {
      const name = requiredHeader(request, 'x-github-event', /^[a-z0-9_]{1,50}$/);
      const delivery = requiredHeader(request, 'x-github-delivery', uuid).toLowerCase();
      return { delivery, name, event: readEvent(name, request, githubUrl) };
    },
  };
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

function readEvent(name: string, { rawBody }: ReceivedRequest, githubUrl: string): ScmEvent {
  const body = rawBody.toString('utf8');
  switch (name) {
    case 'ping':
      return { kind: 'ping' };
    case 'push':
      return parsePushEvent(body, githubUrl);
    case 'installation':
    case 'installation_repositories':
      return parseInstallationEvent(name, body);
    case 'repository':
      return parseRepositoryEvent(body);
    default:
      return { kind: 'ignored', why: `github-event cannot handle event: ${name}` };
  }
}
