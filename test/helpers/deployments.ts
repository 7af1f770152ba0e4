import { expect } from 'chai';
import { eventually } from './eventually.ts';
import { type GitRepo, gitRepo, type RepoFiles } from './git-repo.ts';
import { type HttpAnswer, httpGet } from './http-get.ts';
import type { PlatformProcess } from './platform-process.ts';

/** A check run as the git server's API gives it. */
export interface CheckRun {
  readonly name: string;
  readonly status: string;
  readonly conclusion: string | null;
  readonly details_url: string | null;
  readonly output: {
    readonly title: string;
    readonly summary: string;
    readonly text: string | null;
  };
}

/** A stack file of node-ts functions, each with a handler folder of its name. */
export function stackFile(...functions: readonly string[]): string {
  const entries = functions.map(
    (name) => `  ${name}:
    lang: node-ts
    handler: ./${name}
    image: ${name}:latest
`,
  );
  return `version: 1.0\nprovider:\n  name: openfaas\nfunctions:\n${entries.join('')}`;
}

/** A handler that answers with a text. */
export function answering(text: string): string {
  return `export default async () => ${JSON.stringify(text)};\n`;
}

/** What end-to-end tests do with a platform; a deployment may take `timeoutMs`. */
export function deploymentsOn(platform: () => Pick<PlatformProcess, 'port'>, timeoutMs = 90_000) {
  const base = () => `http://127.0.0.1:${platform().port}`;
  const api = () => `${base()}/git/api/v3`;

  return {
    /** A working copy whose remote is the platform's git server. */
    repo: (owner: string, name: string): Promise<GitRepo> =>
      gitRepo(`${base()}/git/${owner}/${name}.git`),

    /** Commits and pushes; gives the commit's id. */
    async push(repo: GitRepo, files: RepoFiles, message?: string): Promise<string> {
      const sha = await repo.commit(files, message);
      await repo.push();
      return sha;
    },

    /** Calls a function by its pretty URL. */
    call: (
      owner: string,
      path: string,
      headers: Record<string, string> = {},
    ): Promise<HttpAnswer> =>
      httpGet(`${base()}${path}`, { host: `${owner}.localhost:${platform().port}`, ...headers }),

    async checks(owner: string, repo: string, sha: string): Promise<CheckRun[]> {
      const answer = await httpGet(`${api()}/repos/${owner}/${repo}/commits/${sha}/check-runs`);
      expect(answer.status, answer.text).to.equal(200);
      return (JSON.parse(answer.text) as { check_runs: CheckRun[] }).check_runs;
    },

    /** Waits until the stack's check of a commit is completed, and gives all checks by name. */
    async completed(owner: string, repo: string, sha: string): Promise<Map<string, CheckRun>> {
      return eventually(
        async () => {
          const runs = await this.checks(owner, repo, sha);
          const byName = new Map(runs.map((run) => [run.name, run]));
          expect(byName.get('stack-deploy')?.status, JSON.stringify(runs)).to.equal('completed');
          expect(runs.every(({ status }) => status === 'completed')).to.equal(true);
          return byName;
        },
        { timeoutMs, everyMs: 50 },
      );
    },
  };
}
