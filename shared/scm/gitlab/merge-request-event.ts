import * as v from 'valibot';
import { parseBranch, parseSha } from '../../names.ts';
import { keyPart } from '../../object-store/keys.ts';
import { parseBody } from '../../webhooks/parse-body.ts';
import type { IgnoredEvent, NotedEvent } from '../scm-event.ts';
import type { ScmId } from '../scm-id.ts';
import type { GitlabClient } from './gitlab-client.ts';
import { findOurProject, type GitlabRules } from './our-project.ts';
import { parseProjectPath } from './project-path.ts';

const mergeRequestSchema = v.object({
  project: v.object({ id: v.number(), path_with_namespace: v.string() }),
  object_attributes: v.object({
    iid: v.pipe(v.number(), v.integer(), v.minValue(1)),
    state: v.picklist(['opened', 'closed', 'merged', 'locked']),
    source_branch: v.string(),
    target_branch: v.string(),
    source_project_id: v.number(),
    target_project_id: v.number(),
    last_commit: v.object({ id: v.string() }),
  }),
});

/**
 * Reads the event of a merge request. Nothing is built of it; its newest state is kept under
 * `merge-requests/<scm>/<project id>/<number>.json`.
 *
 * @throws CloudError `OFC_BAD_REQUEST` or `OFC_NAME_INVALID`, or those of the API.
 * @see https://docs.gitlab.com/user/project/integrations/webhook_events/#merge-request-events
 */
export async function readMergeRequestEvent(
  client: GitlabClient,
  rules: GitlabRules,
  scm: ScmId,
  body: string,
): Promise<NotedEvent | IgnoredEvent> {
  const { project, object_attributes: request } = parseBody(
    'merge_request',
    mergeRequestSchema,
    body,
  );
  const { id, path_with_namespace: path } = project;
  const { owner, repo } = parseProjectPath(path);
  const found = await findOurProject(client, rules, { id, path });
  if (typeof found === 'string') return { kind: 'ignored', why: found };
  const value = {
    owner,
    repo,
    repoId: id,
    number: request.iid,
    state: request.state,
    sourceProjectId: request.source_project_id,
    sourceBranch: parseBranch(request.source_branch),
    targetBranch: parseBranch(request.target_branch),
    sha: parseSha(request.last_commit.id),
  };
  return {
    kind: 'noted',
    owner,
    repo,
    text: `Merge request !${request.iid} is ${request.state}`,
    record: { key: `merge-requests/${keyPart(scm)}/${id}/${request.iid}.json`, value },
  };
}
