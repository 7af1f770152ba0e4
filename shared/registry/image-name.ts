import { createHash } from 'node:crypto';
import { CloudError } from '#shared/errors.ts';
import type { Branch, FunctionKey, Owner, RepoName, Sha } from '#shared/names.ts';
import { shortSha } from '#shared/names.ts';
import { formatImageReference, isTag, parseImageReference } from './image-reference.ts';

/** What names the image of a function at a commit. */
export interface ImageNameParts {
  /** `push_repository_url`: with a trailing slash it is one account shared by all owners. */
  readonly pushRepositoryUrl: string;
  readonly owner: Owner;
  readonly repo: RepoName;
  readonly functionKey: FunctionKey;
  /** `image` of stack.yml; only its last path segment and tag count. */
  readonly image: string | undefined;
  readonly branch: Branch;
  readonly sha: Sha;
}

const maxTagLength = 128;

/**
 * The reference under which a function's image is pushed: `<url>/<owner>/<repo>-<name>:<tag>-<branch>-<sha7>`,
 * or for a shared account (a URL that ends with a slash) `<url>/<owner>-<repo>-<name>:…`.
 *
 * That is OpenFaaS Cloud's rule, and its names come out unchanged where they are valid and
 * unambiguous. Otherwise: repositories are lower case, as registries demand; what a repository or a
 * tag cannot hold becomes `-` with a digest of the original behind it; an empty `image` means the
 * function's key; and the hyphens of an owner are doubled in a shared account, so that no owner can
 * push over another's image (`alice-b` + `c` and `alice` + `b-c`).
 *
 * @throws CloudError `OFC_STACK_INVALID` if `image` has a digest or a bad tag, `OFC_CONFIG` if the
 * URL is not `host[:port][/path][/]`.
 */
export function imageName(parts: ImageNameParts): string {
  const { name, tag } = lastSegment(parts.image?.trim() || parts.functionKey);
  const repository = sanitise(`${parts.repo}-${name === '' ? parts.functionKey : name}`);
  const shared = parts.pushRepositoryUrl.endsWith('/');
  const owner = shared ? sharedOwner(parts.owner) : ownerPath(parts.owner);
  const url = parts.pushRepositoryUrl.replace(/\/$/, '').toLowerCase();
  const path = `${owner}${shared ? '-' : '/'}${repository}`;
  return checked(url, `${path}:${imageTag(tag, parts.branch, parts.sha)}`);
}

/**
 * The reference from which the cluster pulls what was pushed as `image`: `push_repository_url` in
 * front is replaced by `repository_url`. Other images stay as they are.
 */
export function pullName(
  image: string,
  urls: { readonly push: string; readonly pull: string },
): string {
  const push = `${urls.push.replace(/\/$/, '').toLowerCase()}/`;
  const pull = `${urls.pull.replace(/\/$/, '').toLowerCase()}/`;
  return image.startsWith(push) ? pull + image.slice(push.length) : image;
}

function lastSegment(image: string): { name: string; tag: string } {
  const [, name = '', tag = 'latest'] = /([^/:@]*)(?::([^/:@]*))?$/.exec(image) ?? [];
  if (image.includes('@') || !isTag(tag)) {
    throw new CloudError(
      'OFC_STACK_INVALID',
      `The image ${JSON.stringify(image.slice(0, 200))} in stack.yml has a digest or a tag that cannot be used.`,
      { hint: 'Write it as name:tag; the platform adds the registry, branch and commit.' },
    );
  }
  return { name, tag };
}

function imageTag(tag: string, branch: Branch, sha: Sha): string {
  const start = `${tag}-${branch}`;
  const end = `-${shortSha(sha)}`;
  const clean = start.replace(/[^A-Za-z0-9._-]/g, '-');
  if (clean === start && start.length + end.length <= maxTagLength) return start + end;
  const mark = `-${digest(start)}`;
  return clean.slice(0, maxTagLength - mark.length - end.length) + mark + end;
}

/** Words joined by single separators: no run of hyphens, so doubling or `----h` cannot be mistaken. */
const plain = /^[a-z0-9]+(?:[-._][a-z0-9]+)*$/;

function sharedOwner(owner: Owner): string {
  return plain.test(owner) ? owner.replaceAll('-', '--') : hashed(owner);
}

function ownerPath(owner: Owner): string {
  return owner.split('/').every((part) => plain.test(part)) ? owner : hashed(owner);
}

function hashed(owner: Owner): string {
  const readable = owner.replace(/[^a-z0-9]/g, '').slice(0, 20);
  return `${readable === '' ? 'owner' : readable}----h${digest(owner, 24)}`;
}

function sanitise(name: string): string {
  const lower = name.toLowerCase();
  if (/^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/.test(lower)) return lower;
  const words = lower.split(/[^a-z0-9]+/).filter((word) => word !== '');
  return [...words, digest(lower)].join('-');
}

function checked(url: string, rest: string): string {
  const image = `${url}/${rest}`;
  try {
    const parsed = parseImageReference(image);
    // Docker Hub as a default host or `library/` would be a surprise in a configured URL.
    if (formatImageReference(parsed) === image) return image;
  } catch (error) {
    if (!(error instanceof CloudError)) throw error;
  }
  throw new CloudError('OFC_CONFIG', `push_repository_url makes no valid image name: ${image}`, {
    hint: 'Set it to host[:port] or host[:port]/path, without a scheme; a trailing slash means one account for all owners.',
  });
}

function digest(text: string, length = 8): string {
  return createHash('sha256').update(text).digest('hex').slice(0, length);
}
