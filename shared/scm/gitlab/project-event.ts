import * as v from 'valibot';
import { parseBody } from '../../webhooks/parse-body.ts';
import type { IgnoredEvent, NotedEvent, RemovedRepos } from '../scm-event.ts';
import type { GitlabClient } from './gitlab-client.ts';
import { type GitlabRules, isOurs } from './our-project.ts';
import { parseProjectPath } from './project-path.ts';

/** `project_update`, `project_destroy`, `project_rename`, `project_transfer`. */
const projectEventSchema = v.object({
  project_id: v.number(),
  path_with_namespace: v.string(),
  old_path_with_namespace: v.optional(v.nullable(v.string())),
});

/**
 * Reads the event of a change of a project. What it says is only a reason to look: functions go if
 * GitLab says that the project is gone, has lost its topic, or belongs to another owner. After a
 * rename below the same owner they stay where they are, and the next push takes them over.
 *
 * @throws CloudError `OFC_BAD_REQUEST` or `OFC_NAME_INVALID`, or those of the API.
 * @see https://docs.gitlab.com/administration/system_hooks/
 */
export async function readProjectEvent(
  client: GitlabClient,
  rules: GitlabRules,
  name: string,
  body: string,
): Promise<RemovedRepos | NotedEvent | IgnoredEvent> {
  const event = parseBody(name, projectEventSchema, body);
  const before = event.old_path_with_namespace ?? event.path_with_namespace;
  const { owner, repo } = parseProjectPath(before);
  const project = await client.project(event.project_id);
  const now = project?.path_with_namespace;
  if (project === undefined || now === undefined || !isOurs(project, rules)) {
    const why = project === undefined ? 'is gone' : `has no topic "${rules.topic}"`;
    return removed(`The project ${before} ${why}`);
  }
  if (parseProjectPath(now).owner !== owner) return removed(`The project ${before} is ${now} now`);
  if (now.toLowerCase() === before.toLowerCase()) {
    return { kind: 'ignored', why: `Nothing is to be done for ${name} of ${before}.` };
  }
  return { kind: 'noted', owner, repo, text: `The project ${before} is ${now} now` };

  function removed(text: string): RemovedRepos {
    return { kind: 'removed', owner, repos: [repo], repoId: event.project_id, text };
  }
}
