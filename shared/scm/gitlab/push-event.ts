import * as v from 'valibot';
import { CloudError } from '../../errors.ts';
import { parseBranch, parseSha } from '../../names.ts';
import { parseBody } from '../../webhooks/parse-body.ts';
import type { BranchPush, IgnoredEvent } from '../scm-event.ts';
import type { GitlabClient } from './gitlab-client.ts';
import type { GitlabRules } from './our-project.ts';
import { findOurProject } from './our-project.ts';
import { parseProjectPath } from './project-path.ts';

/** The parts of a push event that we use; project, group and system hooks all have them. */
const pushEventSchema = v.object({
  ref: v.string(),
  before: v.string(),
  after: v.string(),
  project_id: v.number(),
  user_username: v.optional(v.nullable(v.string())),
  user_name: v.optional(v.nullable(v.string())),
  commits: v.optional(v.array(v.object({ id: v.string(), message: v.string() })), []),
  project: v.object({ path_with_namespace: v.string(), git_http_url: v.string() }),
});

const branchPrefix = 'refs/heads/';

/**
 * Reads a push event, and asks GitLab about everything that counts: whoever knows a hook's secret
 * token could write any body. Where a repo is cloned from is never taken from the body.
 *
 * @throws CloudError `OFC_BAD_REQUEST` or `OFC_NAME_INVALID`, or those of the API.
 * @see https://docs.gitlab.com/user/project/integrations/webhook_events/#push-events
 */
export async function readPushEvent(
  client: GitlabClient,
  rules: GitlabRules,
  body: string,
): Promise<BranchPush | IgnoredEvent> {
  const event = parseBody('push', pushEventSchema, body);
  const { ref, project_id: projectId } = event;
  if (!ref.startsWith(branchPrefix)) {
    return ignored(`${JSON.stringify(ref.slice(0, 250))} is not a branch: it is not built.`);
  }
  const branch = parseBranch(ref.slice(branchPrefix.length));
  const sha = parseSha(event.after);
  if (/^0+$/.test(sha)) {
    return ignored(`The branch "${branch}" was deleted: there is nothing to build.`);
  }
  const path = event.project.path_with_namespace;
  const { owner, repo, login } = parseProjectPath(path);
  const repoUrl = `${rules.instance}/${path}`;
  const cloneUrl = `${repoUrl}.git`;
  if (event.project.git_http_url !== cloneUrl) {
    throw new CloudError(
      'OFC_BAD_REQUEST',
      `The clone address of ${path} is not ${cloneUrl}: only projects on ${rules.instance} are built.`,
      { hint: 'For another GitLab, the operator sets gitlab_instance.' },
    );
  }
  const [project, head] = await Promise.all([
    findOurProject(client, rules, { id: projectId, path }),
    client.branchHead(projectId, branch),
  ]);
  if (typeof project === 'string') return ignored(project);
  if (head !== sha) return ignored(`The branch "${branch}" points to another commit by now.`);
  return {
    kind: 'branch',
    owner,
    ownerId: project.namespace.id,
    login,
    repo,
    repoId: projectId,
    fullName: path,
    // What is open to everybody who is signed in there is not open to everybody here.
    private: project.visibility !== 'public',
    cloneUrl,
    repoUrl,
    branch,
    defaultBranch: parseBranch(project.default_branch ?? branch),
    sha,
    before: parseSha(event.before),
    pusher: (event.user_username ?? event.user_name ?? '').slice(0, 100),
    message: event.commits.find(({ id }) => id === sha)?.message ?? '',
    installationId: undefined,
  };
}

function ignored(why: string): IgnoredEvent {
  return { kind: 'ignored', why };
}
