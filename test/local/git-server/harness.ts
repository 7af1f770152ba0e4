import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { createAppAuth } from '@octokit/auth-app';
import { Octokit } from '@octokit/rest';
import { createLogger } from '#shared/log.ts';
import { createGitServer, type GitServerOptions } from '../../../local/git-server/git-server.ts';
import { tempDir } from '../../helpers/temp-dir.ts';

const run = promisify(execFile);

export const keys = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});
export const appId = 42;
export const secret = 'webhook secret of the tests';

interface NamedRepo {
  readonly id: number;
  readonly name: string;
  readonly full_name: string;
}
interface PushedCommit {
  readonly id: string;
  readonly message: string;
  readonly distinct: boolean;
  readonly author: object;
  readonly committer: object;
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly modified: readonly string[];
}

/** The fields of push and installation events that the tests look at. */
export interface WebhookBody {
  readonly ref: string;
  readonly before: string;
  readonly after: string;
  readonly created: boolean;
  readonly compare: string;
  readonly commits: readonly PushedCommit[];
  readonly head_commit: PushedCommit;
  readonly repository: NamedRepo & {
    readonly owner: { readonly id: number };
    readonly pushed_at: number;
    readonly created_at: number;
  };
  readonly pusher: { readonly name: string };
  readonly sender: { readonly id: number };
  readonly installation: { readonly id: number; readonly account: { readonly login: string } };
  readonly action?: string;
  readonly repositories: readonly NamedRepo[];
  readonly repositories_added: readonly NamedRepo[];
  readonly repositories_removed: readonly NamedRepo[];
}

/** A delivery as the API lists it. */
export interface ListedDelivery {
  readonly id: number;
  readonly guid: string;
  readonly event: string;
  readonly status: string;
  readonly request: { readonly payload: WebhookBody };
  readonly response: { readonly payload: string };
}

/** A webhook as it arrived. */
export interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly body: WebhookBody;
  readonly at: number;
}

/** Fetches JSON that the test knows the shape of. */
export async function getJson<T>(address: string, init: RequestInit = {}): Promise<T> {
  return (await (await fetch(address, init)).json()) as T;
}

export async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export async function shut(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

/** A receiver of webhooks whose answer a test can choose. */
export async function startReceiver() {
  const received: Received[] = [];
  let answer: (body: Received) => number = () => 202;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString('utf8');
      const webhook = { headers: request.headers, text, body: JSON.parse(text), at: Date.now() };
      received.push(webhook);
      response.writeHead(answer(webhook)).end('seen');
    });
  });
  const url = await listen(server);
  return {
    url: `${url}/github-event`,
    received,
    /** Push events only. */
    pushes: () => received.filter(({ headers }) => headers['x-github-event'] === 'push'),
    answerWith: (next: typeof answer) => {
      answer = next;
    },
    close: () => shut(server),
  };
}

/** A git server in a temporary folder behind a real listener, a receiver and a work folder. */
export async function startGitServer(overrides: Partial<GitServerOptions> = {}) {
  const temp = await tempDir();
  const receiver = await startReceiver();
  let base = '';
  const lines: string[] = [];
  const options: GitServerOptions = {
    folder: join(temp.path, 'server'),
    basePath: '/git',
    publicUrl: () => `${base}/git`,
    webhook: { url: () => receiver.url, secret },
    app: {
      id: appId,
      publicKeyPem: keys.publicKey,
      clientId: 'local-client',
      clientSecret: 'local-client-secret',
      callbackUrl: () => 'http://auth.system.localhost:8080/oauth2/authorized',
    },
    log: createLogger({}, (line) => lines.push(line)),
    ...overrides,
  };
  let gitServer = createGitServer(options);
  const server = createServer((request, response) => {
    void gitServer.handle(request, response).then((served) => {
      if (!served) response.writeHead(404).end('not served');
    });
  });
  base = await listen(server);

  /** Runs git as a user would. */
  const git = async (folder: string, ...args: string[]): Promise<string> => {
    const { stdout, stderr } = await run('git', args, {
      cwd: folder,
      env: {
        PATH: process.env['PATH'],
        HOME: temp.path,
        GIT_CONFIG_NOSYSTEM: '1',
        GIT_TERMINAL_PROMPT: '0',
        GIT_AUTHOR_NAME: 'Ann',
        GIT_AUTHOR_EMAIL: 'ann@example.com',
        GIT_COMMITTER_NAME: 'Carl',
        GIT_COMMITTER_EMAIL: 'carl@example.com',
      },
      maxBuffer: 64 * 1024 * 1024,
    });
    return `${stdout}${stderr}`;
  };
  const write = async (folder: string, files: Readonly<Record<string, string | Buffer>>) => {
    for (const [name, content] of Object.entries(files)) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), content);
    }
  };
  /** Commits files and gives the commit's id. */
  const commit = async (
    folder: string,
    files: Readonly<Record<string, string | Buffer>>,
    message = 'change',
  ): Promise<string> => {
    await write(folder, files);
    await git(folder, 'add', '-A');
    await git(folder, 'commit', '--quiet', '--message', message);
    return (await git(folder, 'rev-parse', 'HEAD')).trim();
  };
  /** A new work folder with `origin` at `<owner>/<name>`. */
  const workFolder = async (owner: string, name: string, branch = 'main'): Promise<string> => {
    const folder = join(
      temp.path,
      'work',
      `${owner}-${name}-${Math.random().toString(36).slice(2)}`,
    );
    await mkdir(folder, { recursive: true });
    await git(folder, 'init', '--quiet', '--initial-branch', branch);
    await git(folder, 'remote', 'add', 'origin', `${base}/git/${owner}/${name}.git`);
    return folder;
  };

  return {
    temp: temp.path,
    base,
    url: `${base}/git`,
    api: `${base}/git/api/v3`,
    options,
    receiver,
    lines,
    git,
    write,
    commit,
    workFolder,
    /** Makes a repo with one commit and gives its id. */
    pushed: async (
      owner: string,
      name: string,
      files: Record<string, string> = { 'stack.yml': 'a: 1\n' },
    ) => {
      const folder = await workFolder(owner, name);
      const sha = await commit(folder, files, 'first');
      await git(folder, 'push', '--quiet', 'origin', 'main');
      return { folder, sha };
    },
    /** The app as github-status uses it. */
    app: (installationId?: number) =>
      new Octokit({
        baseUrl: `${base}/git/api/v3`,
        authStrategy: createAppAuth,
        auth: {
          appId,
          privateKey: keys.privateKey,
          ...(installationId === undefined ? {} : { installationId }),
        },
        log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
      }),
    anonymous: () =>
      new Octokit({
        baseUrl: `${base}/git/api/v3`,
        log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
      }),
    /** Ends the server as `close` does and starts it again on the same folder. */
    restart: async (between: () => Promise<void> = async () => {}) => {
      await gitServer.close();
      await between();
      gitServer = createGitServer(options);
    },
    close: async () => {
      await gitServer.close();
      await shut(server);
      await receiver.close();
      await temp.remove();
    },
  };
}

export type TestGitServer = Awaited<ReturnType<typeof startGitServer>>;
