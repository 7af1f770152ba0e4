import { CloudError } from '#shared/errors.ts';

declare const brand: unique symbol;

/**
 * A parsed image reference. Made only by {@link parseImageReference}, {@link withTag} and
 * {@link withDigest}, so its parts are known to fit a URL path.
 */
export interface ImageReference {
  /** The registry's host with its port, such as `docker.io` or `127.0.0.1:5000`; lower case. */
  readonly host: string;
  /** The path below the host, such as `library/node`. */
  readonly repository: string;
  readonly tag: string | undefined;
  /** `sha256:` and 64 hex digits. */
  readonly digest: string | undefined;
  readonly [brand]: true;
}

const dockerHub = 'docker.io';
const hostPattern =
  /^(?:\[[0-9a-f:]+\]|(?:[a-z0-9]|[a-z0-9][a-z0-9-]*[a-z0-9])(?:\.(?:[a-z0-9]|[a-z0-9][a-z0-9-]*[a-z0-9]))*)(?::[0-9]{1,5})?$/;
const repositoryPattern =
  /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const digestPattern = /^sha256:[0-9a-f]{64}$/;
const maxNameLength = 255;

/** Whether `text` is a repository name by the OCI distribution specification. */
export function isRepositoryName(text: string): boolean {
  return text.length <= maxNameLength && repositoryPattern.test(text);
}

/** Whether `text` is a tag by the OCI distribution specification. */
export function isTag(text: string): boolean {
  return tagPattern.test(text);
}

/** Whether `text` is a SHA-256 digest, the one algorithm that every registry supports. */
export function isDigest(text: string): boolean {
  return digestPattern.test(text);
}

/**
 * Parses `[host[:port]/]repository[:tag][@digest]` by the grammar of
 * https://github.com/distribution/reference. As Docker does: without a host it is Docker Hub, and a
 * single name there is below `library/`. The first part is a host if it holds a dot or a colon or
 * is `localhost`. No tag is added.
 *
 * @throws CloudError `OFC_NAME_INVALID`
 */
export function parseImageReference(text: string): ImageReference {
  const parts = /^([^@]+?)(?::([^/:@]+))?(?:@([^@]+))?$/.exec(text.slice(0, 1024));
  const [, name = '', tag, digest] = parts ?? [];
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  const hasHost = /[.:]/.test(first) || first.toLowerCase() === 'localhost';
  const host = hasHost ? first.toLowerCase() : dockerHub;
  const path = hasHost ? name.slice(slash + 1) : name;
  const reference = {
    host: host === 'index.docker.io' ? dockerHub : host,
    repository: host.endsWith(dockerHub) && !path.includes('/') ? `library/${path}` : path,
    tag,
    digest,
  };
  const valid =
    hostPattern.test(reference.host) &&
    isRepositoryName(reference.repository) &&
    (tag === undefined || isTag(tag)) &&
    (digest === undefined || isDigest(digest));
  if (!valid) {
    throw new CloudError(
      'OFC_NAME_INVALID',
      `${JSON.stringify(text.slice(0, 200))} is not an image reference.`,
      { hint: 'Write it as host/repository:tag, the repository in lower case.' },
    );
  }
  return reference as ImageReference;
}

/** The reference as text, always with its host. */
export function formatImageReference({ host, repository, tag, digest }: ImageReference): string {
  return `${host}/${repository}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}

/**
 * The same repository at another tag, without a digest.
 *
 * @throws CloudError `OFC_NAME_INVALID`
 */
export function withTag({ host, repository }: ImageReference, tag: string): ImageReference {
  return parseImageReference(`${host}/${repository}:${tag}`);
}

/**
 * The same repository at a digest, without a tag.
 *
 * @throws CloudError `OFC_NAME_INVALID`
 */
export function withDigest({ host, repository }: ImageReference, digest: string): ImageReference {
  return parseImageReference(`${host}/${repository}@${digest}`);
}
