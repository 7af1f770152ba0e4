import { CloudError } from '#shared/errors.ts';
import { type ReceivedRequest, singleHeader } from '#shared/messages/receive.ts';
import { parseInstallationEvent } from '#shared/scm/github/installation-event.ts';
import { parsePushEvent } from '#shared/scm/github/push-event.ts';
import { verifyGithubWebhook, type WebhookSecrets } from '#shared/webhooks/verify-github.ts';
import { type Accepting, acceptPush } from './accept-push.ts';
import type { Answer } from './answer.ts';
import { changeInstallation } from './change-installation.ts';

/** What receiving webhooks works with. */
export interface Receiving extends Accepting {
  readonly secrets: WebhookSecrets;
  readonly allowSha1: boolean;
  /** Where repos are cloned from, such as `https://github.com`. */
  readonly githubUrl: string;
}

/** GitHub's own limit for the body of a webhook. */
const maxBodyBytes = 25 * 1024 * 1024;

/**
 * Answers one request of GitHub. Only a good event gets a 2xx, so that GitHub's list of deliveries
 * shows what went wrong; nothing is parsed before its signature holds.
 *
 * @throws CloudError whose status is the answer.
 */
export async function receiveWebhook(deps: Receiving, request: ReceivedRequest): Promise<Answer> {
  if (request.method === 'GET' && isSetUp(request.rawQuery)) return installed;
  if (request.method !== 'POST') throw new CloudError('OFC_METHOD', 'Only POST is supported.');
  if (!/^application\/json *(?:;|$)/i.test(singleHeader(request, 'content-type') ?? '')) {
    throw new CloudError('OFC_MEDIA_TYPE', 'The webhook must be sent as application/json.', {
      hint: 'Set the content type in the settings of the webhook.',
    });
  }
  if (request.rawBody.length > maxBodyBytes) {
    throw new CloudError('OFC_TOO_LARGE', 'The body of a webhook is at most 25 MB.');
  }
  await verify(deps, request);
  const event = requiredHeader(request, 'x-github-event', /^[a-z_]{1,50}$/);
  const delivery = requiredHeader(request, 'x-github-delivery', uuid).toLowerCase();
  return dispatch(deps, event, delivery, request.rawBody.toString('utf8'));
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

const installed: Answer = {
  status: 200,
  body: 'Installation completed, please return to the installation guide.',
};

function isSetUp(rawQuery: string): boolean {
  return new URLSearchParams(rawQuery).get('setup_action') === 'install';
}

async function dispatch(
  deps: Receiving,
  event: string,
  delivery: string,
  body: string,
): Promise<Answer> {
  switch (event) {
    case 'ping':
      return { status: 200, body: 'pong' };
    case 'push': {
      const push = parsePushEvent(body, deps.githubUrl);
      return push.kind === 'ignored' ? ignored(push.why) : acceptPush(deps, delivery, push);
    }
    case 'installation':
    case 'installation_repositories': {
      const change = parseInstallationEvent(event, body);
      return change.kind === 'ignored'
        ? ignored(change.why)
        : changeInstallation(deps.messages, event, change);
    }
    default:
      return ignored(`github-event cannot handle event: ${event}`);
  }
}

function ignored(why: string): Answer {
  return { status: 202, body: `Ignored: ${why}` };
}

function verify({ secrets, allowSha1 }: Receiving, request: ReceivedRequest): Promise<void> {
  const signatures = {
    sha256: singleHeader(request, 'x-hub-signature-256'),
    sha1: singleHeader(request, 'x-hub-signature'),
  };
  return verifyGithubWebhook(request.rawBody, signatures, secrets, { allowSha1 });
}

function requiredHeader(request: ReceivedRequest, name: string, pattern: RegExp): string {
  const value = singleHeader(request, name);
  if (value === undefined || !pattern.test(value)) {
    throw new CloudError('OFC_BAD_REQUEST', `The header ${name} is missing or malformed.`);
  }
  return value;
}
