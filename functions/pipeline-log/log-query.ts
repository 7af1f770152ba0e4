import type { LogName } from '#shared/build-log/log-keys.ts';
import { parseFunctionKey, parseOwner, parseRepoName, parseSha } from '#shared/names.ts';

/**
 * Which log a query asks for: `owner`, `repo`, `sha` and `function`, or as the original has it
 * `repoPath=<owner>/<repo>` and `commitSHA`.
 *
 * @throws CloudError `OFC_NAME_INVALID`
 */
export function parseLogQuery(query: URLSearchParams): LogName {
  const repoPath = query.get('repoPath') ?? '';
  const slash = repoPath.lastIndexOf('/');
  return {
    owner: parseOwner(query.get('owner') ?? repoPath.slice(0, Math.max(0, slash))),
    repo: parseRepoName(query.get('repo') ?? repoPath.slice(slash + 1)),
    sha: parseSha(query.get('sha') ?? query.get('commitSHA')),
    function: parseFunctionKey(query.get('function')),
  };
}
