import { type IncomingMessage, request } from 'node:http';
import * as v from 'valibot';
import { CloudError } from '../errors.ts';
import { readLines } from '../read-lines.ts';
import { parseImageReference } from '../registry/image-reference.ts';
import type { RegistryLogin } from './docker-config.ts';

/** What one line of the Engine's answer may have. */
const maxLineLength = 1024 * 1024;
const messageSchema = v.object({
  status: v.optional(v.string()),
  id: v.optional(v.string()),
  error: v.optional(v.string()),
  aux: v.optional(v.object({ Digest: v.optional(v.string()) })),
});

/**
 * Has Docker Engine push an image that lies in its own store, and gives the digest of the manifest.
 *
 * @param onLog Gets what is worth a line in a log.
 * @throws CloudError `OFC_CONFIG` (credentials refused), `OFC_UPSTREAM`, `OFC_TIMEOUT`
 * @see https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Image/operation/ImagePush
 */
export async function enginePush(
  socketPath: string,
  image: string,
  login: RegistryLogin | undefined,
  onLog: (line: string) => void,
  signal: AbortSignal,
): Promise<string> {
  const { host, repository, tag = 'latest' } = parseImageReference(image);
  let digest: string | undefined;
  try {
    const answer = await post(
      socketPath,
      `/images/${host}/${repository}/push?tag=${tag}`,
      { 'x-registry-auth': authHeader(host, login) },
      signal,
    );
    if (answer.statusCode !== 200) throw pushError(host, await textOf(answer));
    for await (const line of readLines(answer, maxLineLength)) {
      if (line.trim() === '') continue;
      const message = v.parse(v.pipe(v.string(), v.parseJson(), messageSchema), line);
      if (message.error !== undefined) throw pushError(host, message.error);
      digest = message.aux?.Digest ?? digest;
      if (message.id === undefined && message.status) onLog(message.status);
    }
  } catch (error) {
    if (error instanceof CloudError) throw error;
    if (signal.aborted) throw new CloudError('OFC_TIMEOUT', 'The build was ended.');
    throw new CloudError('OFC_UPSTREAM', 'Docker Engine broke the push off.', { cause: error });
  }
  if (digest !== undefined) return digest;
  throw new CloudError('OFC_UPSTREAM', 'Docker Engine did not tell the digest of what it pushed.');
}

function post(
  socketPath: string,
  path: string,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const options = { socketPath, path, method: 'POST', signal };
    request({ ...options, headers: { host: 'docker', 'content-length': 0, ...headers } })
      .on('response', resolve)
      .on('error', reject)
      .end();
  });
}

function authHeader(serveraddress: string, login: RegistryLogin | undefined): string {
  const { username = '', secret = '' } = login ?? {};
  const auth =
    username === '' && secret !== ''
      ? { identitytoken: secret, serveraddress }
      : { username, password: secret, serveraddress };
  // Go's URL encoding: with padding, unlike Node's.
  const text = Buffer.from(JSON.stringify(auth)).toString('base64');
  return text.replaceAll('+', '-').replaceAll('/', '_');
}

function pushError(host: string, text: string): CloudError {
  const reason = text.slice(0, 1000);
  if (/denied|unauthorized|authentication|no basic auth|\b40[13]\b/i.test(reason)) {
    return new CloudError('OFC_CONFIG', `The registry ${host} refused the credentials: ${reason}`, {
      hint: 'Check the entry of this registry in the secret docker-config.',
    });
  }
  return new CloudError('OFC_UPSTREAM', `The image could not be pushed to ${host}: ${reason}`);
}

async function textOf(answer: IncomingMessage): Promise<string> {
  let text = '';
  for await (const line of readLines(answer, maxLineLength)) text += line;
  return text;
}
