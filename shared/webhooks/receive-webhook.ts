import { CloudError } from '../errors.ts';
import { type ReceivedRequest, singleHeader } from '../messages/receive.ts';
import type { ScmDelivery, ScmWebhooks } from '../scm/scm-webhooks.ts';
import { type Accepting, acceptPush } from './accept-push.ts';
import type { Answer } from './answer.ts';
import { followRename, noteEvent, removeRepos } from './follow-change.ts';

/** What receiving webhooks works with. */
export interface Receiving extends Accepting {
  /** The SCMs whose webhooks come here. */
  readonly scms: readonly ScmWebhooks[];
}

/** GitHub's own limit for the body of a webhook; the others' are lower. */
const maxBodyBytes = 25 * 1024 * 1024;

/**
 * Answers one webhook. Only a good event gets a 2xx, so that the SCM's list of deliveries shows what
 * went wrong; nothing is parsed before it is known who sent it.
 *
 * @throws CloudError whose status is the answer.
 */
export async function receiveWebhook(deps: Receiving, request: ReceivedRequest): Promise<Answer> {
  if (request.method !== 'POST') throw new CloudError('OFC_METHOD', 'Only POST is supported.');
  if (!/^application\/json *(?:;|$)/i.test(singleHeader(request, 'content-type') ?? '')) {
    throw new CloudError('OFC_MEDIA_TYPE', 'The webhook must be sent as application/json.', {
      hint: 'Set the content type in the settings of the webhook.',
    });
  }
  if (request.rawBody.length > maxBodyBytes) {
    throw new CloudError('OFC_TOO_LARGE', 'The body of a webhook is at most 25 MB.');
  }
  const sender = await senderOf(deps.scms, request);
  return dispatch(deps, sender, await sender.read(request));
}

/** Each SCM has secrets of its own, so at most one of them can have sent it. */
async function senderOf(
  scms: readonly ScmWebhooks[],
  request: ReceivedRequest,
): Promise<ScmWebhooks> {
  let refusal: unknown = new CloudError('OFC_CONFIG', 'No SCM is configured here.');
  let sender: ScmWebhooks | undefined;
  for (const scm of scms) {
    await scm.verify(request).then(
      () => {
        sender = scm;
      },
      (error: unknown) => {
        refusal = error;
      },
    );
  }
  if (sender === undefined) throw refusal;
  return sender;
}

async function dispatch(
  deps: Receiving,
  sender: ScmWebhooks,
  { delivery, name, event }: ScmDelivery,
): Promise<Answer> {
  const { scm } = sender;
  switch (event.kind) {
    case 'ping':
      return { status: 200, body: 'pong' };
    case 'branch':
      return acceptPush(deps, { scm, delivery }, event);
    case 'removed':
      return removeRepos(deps, { scm, name }, event);
    case 'renamed':
      return followRename(deps, sender, name, event);
    case 'noted':
      return noteEvent(deps, { scm, name }, event);
    case 'ignored':
      return { status: 202, body: `Ignored: ${event.why}` };
  }
}
