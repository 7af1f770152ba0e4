import * as v from 'valibot';
import { createJsonApi, type JsonApi } from '../json-api.ts';

const projectSchema = v.object({
  id: v.number(),
  path_with_namespace: v.string(),
  default_branch: v.optional(v.nullable(v.string())),
  visibility: v.picklist(['public', 'internal', 'private']),
  topics: v.optional(v.array(v.string()), []),
  tag_list: v.optional(v.array(v.string()), []),
  namespace: v.object({ id: v.number() }),
});

/** A project as GitLab's API describes it to us. */
export type GitlabProject = v.InferOutput<typeof projectSchema>;

const branchSchema = v.object({ commit: v.object({ id: v.string() }) });
const namespaceSchema = v.object({ id: v.number(), full_path: v.string() });

/** What we ask one GitLab about. The token goes to its own address only. */
export interface GitlabClient {
  readonly api: JsonApi;
  project(id: number): Promise<GitlabProject | undefined>;
  /** The commit that a branch points to. */
  branchHead(projectId: number, branch: string): Promise<string | undefined>;
  /** The path of a user's or group's namespace, as it is now. */
  namespacePath(id: number): Promise<string | undefined>;
}

/**
 * Makes a {@link GitlabClient}; it fails with the errors of {@link JsonApi}.
 *
 * @param instance Such as `https://gitlab.com`.
 * @see https://docs.gitlab.com/api/projects/#retrieve-a-project
 */
export function createGitlabClient(instance: string, token: string): GitlabClient {
  const api = createJsonApi({
    name: 'GitLab',
    baseUrl: `${instance}/api/v4`,
    headers: { 'private-token': token },
  });
  return {
    api,
    project: (id) => api.find({ path: `/projects/${id}` }, projectSchema),
    async branchHead(projectId, branch) {
      const path = `/projects/${projectId}/repository/branches/${encodeURIComponent(branch)}`;
      return (await api.find({ path }, branchSchema))?.commit.id;
    },
    async namespacePath(id) {
      return (await api.find({ path: `/namespaces/${id}` }, namespaceSchema))?.full_path;
    },
  };
}
