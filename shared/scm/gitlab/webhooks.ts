import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { CloudError } from '../../errors.ts';
import { type ReceivedRequest, singleHeader } from '../../messages/receive.ts';
import { parseOwner } from '../../names.ts';
import { parseBody } from '../../webhooks/parse-body.ts';
import { requiredHeader } from '../../webhooks/required-header.ts';
import type { IgnoredEvent, RenamedOwner, ScmEvent } from '../scm-event.ts';
import type { ScmId } from '../scm-id.ts';
import type { ScmWebhooks } from '../scm-webhooks.ts';
import type { GitlabClient } from './gitlab-client.ts';
import { readMergeRequestEvent } from './merge-request-event.ts';
import type { GitlabRules } from './our-project.ts';
import { readProjectEvent } from './project-event.ts';
import { readPushEvent } from './push-event.ts';
import { type GitlabSecrets, verifyGitlabWebhook } from './verify-webhook.ts';

/** One GitLab. */
export interface GitlabWebhooksConfig {
  readonly scm: ScmId;
  readonly secrets: GitlabSecrets;
  readonly rules: GitlabRules;
  readonly client: GitlabClient;
}

/**
 * The webhooks of a GitLab: system hooks, and hooks of groups and projects.
 *
 * @see https://docs.gitlab.com/user/project/integrations/webhooks/
 */
export function createGitlabWebhooks(config: GitlabWebhooksConfig): ScmWebhooks {
  const { scm, secrets, client } = config;
  return {
    scm,
    async verify(request) {
      verifyGitlabWebhook(secrets, request);
    },
    async read(request) {
      requiredHeader(request, 'x-gitlab-event', /^[A-Za-z ]{1,50}$/);
      const body = request.rawBody.toString('utf8');
      const named = parseBody('GitLab', nameSchema, body);
      const name = named.object_kind ?? named.event_name ?? '';
      const delivery = deliveryId(request);
      return { delivery, name, event: await readEvent(config, name, body) };
    },
    async ownerName(id) {
      const path = await client.namespacePath(id);
      return path === undefined ? undefined : parseOwner(path);
    },
  };
}

const nameSchema = v.object({
  object_kind: v.optional(v.pipe(v.string(), v.regex(/^[a-z_]{1,50}$/))),
  event_name: v.optional(v.pipe(v.string(), v.regex(/^[a-z_]{1,50}$/))),
});

/**
 * GitLab's id of a delivery, the same for each retry. The id of the event, for a GitLab that has no
 * other, is shared by all that one action caused, so the content tells them apart.
 */
function deliveryId(request: ReceivedRequest): string {
  const pattern = /^[\w.:-]{8,100}$/;
  for (const name of ['webhook-id', 'idempotency-key']) {
    const id = singleHeader(request, name);
    if (id !== undefined && pattern.test(id)) return id;
  }
  const event = singleHeader(request, 'x-gitlab-event-uuid');
  if (event === undefined || !pattern.test(event)) {
    throw new CloudError('OFC_BAD_REQUEST', 'The webhook has no id of its delivery.', {
      hint: 'GitLab sends one as Idempotency-Key, webhook-id or X-Gitlab-Event-UUID.',
    });
  }
  const content = createHash('sha256').update(request.rawBody).digest('hex').slice(0, 16);
  return `${event}-${content}`;
}

async function readEvent(
  { client, rules, scm }: GitlabWebhooksConfig,
  name: string,
  body: string,
): Promise<ScmEvent> {
  switch (name) {
    case 'push':
    case 'tag_push':
      return readPushEvent(client, rules, body);
    case 'merge_request':
      return readMergeRequestEvent(client, rules, scm, body);
    case 'project_update':
    case 'project_destroy':
    case 'project_rename':
    case 'project_transfer':
      return readProjectEvent(client, rules, name, body);
    case 'user_rename':
    case 'group_rename':
      return readRename(name, body);
    default:
      return ignored(name);
  }
}

const renameSchema = v.union([
  v.object({ old_full_path: v.string() }),
  v.object({ old_username: v.string() }),
]);

function readRename(name: string, body: string): RenamedOwner {
  const event = parseBody(name, renameSchema, body);
  const path = 'old_full_path' in event ? event.old_full_path : event.old_username;
  return { kind: 'renamed', owner: parseOwner(path) };
}

function ignored(name: string): IgnoredEvent {
  const why = /^(?:user|key|group|subgroup)_/.test(name)
    ? `Users, keys and groups are not kept here: nothing is to be done for ${name}.`
    : `gitlab-event cannot handle event: ${name}`;
  return { kind: 'ignored', why };
}
