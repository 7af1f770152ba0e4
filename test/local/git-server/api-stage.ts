import type { Octokit } from '@octokit/rest';
import { startGitServer, type TestGitServer } from './harness.ts';

/** The repo that is there from the beginning. */
export const hello = { owner: 'alice', repo: 'hello' };

/** A git server with {@link hello}, while a suite runs. */
interface ApiStage {
  server: TestGitServer;
  /** The app, as it is installed at the repo's owner. */
  octokit: Octokit;
  installationId: number;
  /** The repo's only commit, and the folder that it was pushed from. */
  sha: string;
  folder: string;
}

/** Starts an {@link ApiStage} before the tests of a suite, and ends it after them. */
export function apiStage(): ApiStage {
  const stage = {} as ApiStage;
  before(async () => {
    const server = await startGitServer();
    const pushed = await server.pushed('alice', 'hello', {
      'stack.yml': 'version: 1\n',
      'fn/handler.ts': 'x\n',
    });
    const { id } = (await server.app().apps.getRepoInstallation(hello)).data;
    Object.assign(stage, { ...pushed, server, octokit: server.app(id), installationId: id });
  });
  after(() => stage.server.close());
  return stage;
}

/** What GitHub's client throws where it was refused. */
interface Refusal {
  readonly status: number;
  readonly message: string;
  readonly response: {
    readonly data: { readonly errors?: readonly { field: string; code: string }[] };
  };
}

/** The refusal of a request. */
export async function refused(work: Promise<unknown>): Promise<Refusal> {
  try {
    await work;
  } catch (error) {
    return error as Refusal;
  }
  throw new Error('the request should have been refused');
}
