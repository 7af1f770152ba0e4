import * as fs from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import git, { Errors } from 'isomorphic-git';
import { CloudError, errorMessage } from '../errors.ts';
import type { Sha } from '../names.ts';
import type { CloneAccess } from '../scm/clone-credentials.ts';
import type { SourceTree } from '../shrinkwrap/source-tree.ts';
import { createGitTree, type GitTree } from './git-tree.ts';
import { createInspectingFs } from './inspecting-fs.ts';
import { type FetchLimits, limitedHttp } from './limited-http.ts';

/** Which commit to fetch, and from where. */
export interface CommitSource {
  /** An http(s) URL without credentials. */
  readonly url: string;
  readonly sha: Sha;
  /** Sent to the URL's own origin only, and never written anywhere. */
  readonly access?: CloneAccess | undefined;
}

/** Fetched files; {@link FetchedTree.remove} deletes their workspace. */
export interface FetchedTree {
  readonly tree: SourceTree;
  /** As whoever made the commit says. */
  readonly committedAt?: Date;
  remove(): Promise<void>;
}

/** A fetched commit. */
export interface FetchedCommit extends FetchedTree {
  readonly tree: GitTree;
}

/**
 * Fetches exactly one commit, without history and without a checkout, into a workspace of its own.
 * Nothing from the repo becomes a file: its content is read from the pack.
 *
 * @throws CloudError `OFC_CLONE` (no such repo, commit or right), `OFC_SOURCE_REFUSED` (too large),
 * `OFC_UPSTREAM` or `OFC_TIMEOUT`.
 */
export async function fetchCommit(
  { url, sha, access }: CommitSource,
  limits: FetchLimits,
): Promise<FetchedCommit> {
  const gitdir = await mkdtemp(join(tmpdir(), 'ofc-git-'));
  const remove = () => rm(gitdir, { recursive: true, force: true });
  const http = limitedHttp(new URL(url).origin, limits);
  const inspecting = createInspectingFs(limits.maxBytes);
  try {
    await git.init({ fs, gitdir, bare: true });
    // isomorphic-git wants a refspec to be configured, though it fetches one id.
    await git.addRemote({ fs, gitdir, remote: 'origin', url });
    await git.fetch({
      fs: inspecting,
      gitdir,
      url,
      http,
      ref: sha,
      remoteRef: sha,
      depth: 1,
      singleBranch: true,
      tags: false,
      ...(access === undefined ? {} : { onAuth: () => ({ ...access }) }),
      onAuthFailure: () => ({ cancel: true }),
    });
    if (http.failure !== undefined) throw http.failure;
    const tree = createGitTree(gitdir, sha);
    // A server that does not have the commit may just answer with nothing.
    await tree.list('');
    return { tree, remove, committedAt: await tree.committedAt() };
  } catch (error) {
    await remove();
    throw cloneError(http.failure ?? error, url, sha);
  }
}

function cloneError(error: unknown, url: string, sha: Sha): CloudError {
  if (error instanceof CloudError) return error;
  if (error instanceof Errors.HttpError) {
    const { statusCode } = error.data;
    if (statusCode >= 500 || statusCode === 429) {
      return new CloudError('OFC_UPSTREAM', `The git server answered ${statusCode}.`);
    }
    return new CloudError('OFC_CLONE', `The git server answered ${statusCode} for ${url}.`, {
      hint: 'Check that the repo exists, and that the app may read it if it is private.',
    });
  }
  if (error instanceof Errors.UserCanceledError) {
    return new CloudError('OFC_CLONE', `The git server asks for credentials for ${url}.`, {
      hint: 'Install the app on this repo, or make the repo public.',
    });
  }
  return new CloudError(
    'OFC_CLONE',
    `Commit ${sha} could not be fetched from ${url}: ${errorMessage(error)}`,
    { hint: 'If the branch was changed by force meanwhile, push again.', cause: error },
  );
}
