import { CloudError } from '../../errors.ts';
import type { GitlabClient, GitlabProject } from './gitlab-client.ts';

/** What the operator set for one GitLab. */
export interface GitlabRules {
  /** Such as `https://gitlab.com`. */
  readonly instance: string;
  /** The topic that a project must have to be built. */
  readonly topic: string;
}

/** Whether a project wants to be built; older GitLabs call topics tags. */
export function isOurs({ topics, tag_list: tags }: GitlabProject, { topic }: GitlabRules): boolean {
  return [...topics, ...tags].some((name) => name.toLowerCase() === topic.toLowerCase());
}

/**
 * A project that an event names, as GitLab's API has it; a text that says why it is none of ours.
 *
 * @throws CloudError `OFC_BAD_REQUEST` if the event's id and path are of two projects.
 */
export async function findOurProject(
  client: GitlabClient,
  rules: GitlabRules,
  { id, path }: { id: number; path: string },
): Promise<GitlabProject | string> {
  const project = await client.project(id);
  if (project === undefined) {
    return `The API token of the platform does not see the project ${id}.`;
  }
  if (project.path_with_namespace.toLowerCase() !== path.toLowerCase()) {
    throw new CloudError('OFC_BAD_REQUEST', `Project ${id} is not ${path}.`);
  }
  if (isOurs(project, rules)) return project;
  return `The project has no topic "${rules.topic}": add it in its general settings to have it built.`;
}
