import type { IncomingMessage, ServerResponse } from 'node:http';
import { isRepositoryName } from '#shared/registry/image-reference.ts';
import { RegistryError } from './registry-error.ts';
import type { RepositoryFiles } from './repository-files.ts';
import type { UploadSessions } from './upload-sessions.ts';

/** What a request addresses. */
export interface RegistryTarget {
  readonly kind:
    | 'base'
    | 'catalog'
    | 'blobs'
    | 'blobs/uploads'
    | 'manifests'
    | 'tags'
    | 'referrers';
  /** A checked repository name; empty for `base` and `catalog`. */
  readonly repository: string;
  /** What stands behind the kind: a tag, digest or upload id, not yet checked. */
  readonly reference: string;
  readonly query: URLSearchParams;
}

/** One request to the registry and what is needed to answer it. */
export interface RegistryContext extends RegistryTarget {
  readonly message: IncomingMessage;
  readonly response: ServerResponse;
  readonly files: RepositoryFiles;
  readonly uploads: UploadSessions;
}

/**
 * Parses the path of a request.
 *
 * @throws RegistryError `NAME_INVALID`, or `NAME_UNKNOWN` for a path that is none of the API's.
 */
export function parseTarget(url: string): RegistryTarget {
  const [rawPath = '', rawQuery = ''] = url.split('?', 2);
  const path = decode(rawPath);
  const query = new URLSearchParams(rawQuery);
  if (path === '/v2/' || path === '/v2') {
    return { kind: 'base', repository: '', reference: '', query };
  }
  if (path === '/v2/_catalog') return { kind: 'catalog', repository: '', reference: '', query };
  const [, repository = '', kind, reference = ''] =
    /^\/v2\/(.+)\/(blobs\/uploads|blobs|manifests|tags|referrers)\/([^/]*)$/.exec(path) ?? [];
  if (kind === undefined) throw new RegistryError('NAME_UNKNOWN', 'There is no such path.');
  if (!isRepositoryName(repository)) {
    throw new RegistryError('NAME_INVALID', 'The repository name is not valid.');
  }
  return { kind: kind as RegistryTarget['kind'], repository, reference, query };
}

/** Answers without a body. */
export function answer(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string | number>> = {},
): void {
  response.writeHead(status, status === 204 ? headers : { 'content-length': 0, ...headers }).end();
}

/** Answers with a whole body; to HEAD with its headers alone. */
export function answerBody(
  { message, response }: RegistryContext,
  body: Buffer,
  headers: Readonly<Record<string, string | number>>,
): void {
  response.writeHead(200, { ...headers, 'content-length': body.length });
  response.end(message.method === 'HEAD' ? undefined : body);
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw new RegistryError('NAME_INVALID', 'The path is not encoded correctly.');
  }
}
