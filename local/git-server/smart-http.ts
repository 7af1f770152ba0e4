import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { errorMessage } from '#shared/errors.ts';
import type { Logger } from '#shared/log.ts';
import { authenticate, canRead } from './api-auth.ts';
import { feedBody } from './feed-body.ts';
import type { Git } from './git-process.ts';
import { HttpError } from './http-error.ts';
import { withProgress } from './progress.ts';
import type { Pushes } from './pushes.ts';
import { type RefChange, zeroSha } from './refs.ts';
import { parseRepoPath, type RepoPath } from './repo-path.ts';
import type { RepoStore } from './repo-store.ts';
import type { Tokens } from './tokens.ts';

interface SmartHttpOptions {
  readonly git: Git;
  readonly store: RepoStore;
  readonly pushes: Pushes;
  readonly tokens: Tokens;
  /** An empty bare repo: what a client sees of a repo that its push is about to make. */
  readonly emptyRepo: () => Promise<string>;
  readonly maxPushBytes: number;
  readonly publicUrl: () => string;
  readonly log: Logger;
}

/** Serves a request of git's smart HTTP protocol; false if it is none. */
export type SmartHttp = (
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  path: string,
) => Promise<boolean>;

type Service = 'upload-pack' | 'receive-pack';

/** Largest list of wanted and known commits that a fetch may send, unpacked. */
const maxFetchBytes = 64 * 1024 * 1024;
/** Branches of one push whose page is named. */
const maxLinks = 3;
/** Beside the pack, a push names refs. */
const maxCommandBytes = 16 * 1024 * 1024;

const settings: Record<Service, readonly string[]> = {
  'upload-pack': [
    'uploadpack.allowAnySHA1InWant=true',
    'uploadpack.allowReachableSHA1InWant=true',
    'uploadpack.allowFilter=true',
  ],
  'receive-pack': ['receive.fsckObjects=true', 'receive.autogc=false'],
};

/**
 * Fetches and pushes, by running `git upload-pack` and `git receive-pack`.
 *
 * @see https://git-scm.com/docs/http-protocol
 */
export function createSmartHttp(options: SmartHttpOptions): SmartHttp {
  const { git, store, pushes, log } = options;

  const start = (service: Service, request: IncomingMessage, args: readonly string[]) => {
    const limit =
      service === 'receive-pack' ? [`receive.maxInputSize=${options.maxPushBytes}`] : [];
    const config = [...settings[service], ...limit].flatMap((setting) => ['-c', setting]);
    const protocol = String(request.headers['git-protocol'] ?? '');
    const environment = /^[\w=:.-]{1,100}$/.test(protocol) ? { GIT_PROTOCOL: protocol } : undefined;
    const child = git.start([...config, service, '--stateless-rpc', ...args], environment);
    child.stderr.on('data', (chunk: Buffer) =>
      log.warn('git reported something.', { service, text: chunk.toString('utf8').slice(0, 500) }),
    );
    return child;
  };

  /** Runs a service until it ends; it is ended when the client goes away. */
  const run = async (
    service: Service,
    request: IncomingMessage,
    response: ServerResponse,
    args: readonly string[],
    streams: {
      readonly input: (stdin: Writable) => Promise<void>;
      readonly output: (stdout: Readable) => Promise<void>;
    },
  ): Promise<void> => {
    const child = start(service, request, args);
    const ended = once(child, 'close');
    const onGone = (): void => {
      if (!response.writableFinished) child.kill();
    };
    response.once('close', onGone);
    try {
      await Promise.all([streams.input(child.stdin), streams.output(child.stdout), ended]);
    } catch (error) {
      child.kill();
      await ended.catch(() => undefined);
      throw error;
    } finally {
      response.off('close', onGone);
    }
  };

  const readableFolder = async (request: IncomingMessage, path: RepoPath): Promise<string> => {
    const repo = store.repo(path.owner, path.name);
    if (repo === undefined) throw new HttpError(404, 'Repository not found.');
    if (!canRead(authenticate(request, options.tokens), repo, store)) {
      throw new HttpError(401, 'This repository is private: use x-access-token and a token.');
    }
    return `${store.folderOf(path.owner, path.name)}/git`;
  };

  const advertise = async (
    service: Service,
    request: IncomingMessage,
    response: ServerResponse,
    folder: string,
  ): Promise<void> => {
    writeHead(response, `application/x-git-${service}-advertisement`);
    const isV2 =
      service === 'upload-pack' && /version=2/.test(String(request.headers['git-protocol']));
    if (!isV2) response.write(`${packetLine(`# service=git-${service}\n`)}0000`);
    await run(service, request, response, ['--http-backend-info-refs', folder], {
      input: async (stdin) => void stdin.end(),
      output: (stdout) => pipeline(stdout, response),
    });
  };

  const fetchPack = async (
    request: IncomingMessage,
    response: ServerResponse,
    folder: string,
  ): Promise<void> => {
    writeHead(response, 'application/x-git-upload-pack-result');
    await run('upload-pack', request, response, [folder], {
      input: (stdin) => feedBody(request, maxFetchBytes, stdin),
      output: (stdout) => pipeline(stdout, response),
    });
  };

  /** The report is kept back until the webhooks are recorded: what a client saw pushed is told of. */
  const receivePack = async (
    request: IncomingMessage,
    response: ServerResponse,
    path: RepoPath,
  ): Promise<void> => {
    const report: Buffer[] = [];
    const changes = await pushes.push(path, (folder) =>
      run('receive-pack', request, response, [folder], {
        input: (stdin) => feedBody(request, options.maxPushBytes + maxCommandBytes, stdin),
        output: async (stdout) => {
          for await (const chunk of stdout) report.push(chunk as Buffer);
        },
      }),
    );
    writeHead(response, 'application/x-git-receive-pack-result');
    response.end(withProgress(Buffer.concat(report), outcome(path, changes)));
  };

  /** What whoever pushed looks for next. */
  const outcome = (path: RepoPath, changes: readonly RefChange[]): string[] => {
    const branches = changes.filter(({ ref }) => ref.startsWith('refs/heads/'));
    const pushed = branches.filter(({ after }) => after !== zeroSha);
    if (pushed.length > 0) {
      return pushed.slice(0, maxLinks).map(({ after }) => {
        const { owner, name } = path;
        return `Build and checks: ${options.publicUrl()}/${owner}/${name}/commit/${after}`;
      });
    }
    return branches.length === 0 && changes.length > 0
      ? ['Tags are not built: push a branch to deploy.']
      : [];
  };

  return async (request, response, url, path) => {
    const match = /^\/([^/]+)\/([^/]+)\/(info\/refs|git-upload-pack|git-receive-pack)$/.exec(path);
    if (match === null) return false;
    const [, ownerText = '', nameText = '', what = ''] = match;
    const repoPath = parseRepoPath(ownerText, nameText);
    try {
      if (what === 'info/refs') {
        const service = parseService(url.searchParams.get('service') ?? '');
        requireMethod(request, 'GET');
        const isNew = store.repo(repoPath.owner, repoPath.name) === undefined;
        const folder =
          service === 'upload-pack'
            ? await readableFolder(request, repoPath)
            : isNew
              ? await options.emptyRepo()
              : `${store.folderOf(repoPath.owner, repoPath.name)}/git`;
        await advertise(service, request, response, folder);
      } else {
        const service = parseService(what);
        requireMethod(request, 'POST');
        if (request.headers['content-type'] !== `application/x-git-${service}-request`) {
          throw new HttpError(415, `Send application/x-git-${service}-request.`);
        }
        if (service === 'receive-pack') await receivePack(request, response, repoPath);
        else await fetchPack(request, response, await readableFolder(request, repoPath));
      }
    } catch (error) {
      if (error instanceof HttpError && !response.headersSent) throw error;
      log.warn('A git request broke off.', { path, error: errorMessage(error) });
      response.destroy();
    }
    return true;
  };
}

function parseService(text: string): Service {
  if (text === 'git-upload-pack') return 'upload-pack';
  if (text === 'git-receive-pack') return 'receive-pack';
  throw new HttpError(403, 'Only the smart protocol is spoken here: use git 1.6.6 or newer.');
}

function requireMethod(request: IncomingMessage, method: string): void {
  if (request.method !== method) throw new HttpError(405, `Use ${method}.`);
}

function packetLine(text: string): string {
  return `${(text.length + 4).toString(16).padStart(4, '0')}${text}`;
}

function writeHead(response: ServerResponse, contentType: string): void {
  response.writeHead(200, {
    'content-type': contentType,
    'cache-control': 'no-cache, max-age=0, must-revalidate',
    expires: 'Fri, 01 Jan 1980 00:00:00 GMT',
    pragma: 'no-cache',
  });
}
