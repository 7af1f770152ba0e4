import { readFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import { CloudError } from '../errors.ts';

/** Where the API server is, and who we are. */
export interface KubernetesConfig {
  /** Base URL without a trailing slash. */
  readonly url: string;
  /** The folder of the service account, with `token` and `ca.crt`. */
  readonly accountFolder: string;
  readonly timeoutMs?: number;
}

/** The few calls to a Kubernetes API server that the platform makes. */
export interface KubernetesClient {
  /** The object at a path; `undefined` if there is none. */
  get(path: string): Promise<unknown>;
  /** Creates or changes an object (server-side apply): fields that we no longer name are removed. */
  apply(path: string, object: object): Promise<unknown>;
  /** Deletes this very object, not one that was made under its name meanwhile. */
  delete(path: string, uid: string): Promise<void>;
}

/** Who owns the fields that we apply. */
const fieldManager = 'openfaas-cloud';
const maxAnswerBytes = 4 * 1024 * 1024;

interface Answer {
  readonly status: number;
  readonly text: string;
}

/**
 * Makes a {@link KubernetesClient} with the token of a service account, read for each call: it rotates.
 * Errors: `OFC_CONFIG` (401, 403: the role; 404 for an unknown kind), `OFC_CONFLICT`, `OFC_SECRETS` (400, 422: it does not
 * take the object), `OFC_UPSTREAM`, `OFC_TIMEOUT`.
 */
export function createKubernetesClient(config: KubernetesConfig): KubernetesClient {
  const call = async (method: string, path: string, body?: object): Promise<Answer> => {
    const [token, ca] = await readAccount(config.accountFolder);
    const isPatch = method === 'PATCH';
    const headers = {
      authorization: `Bearer ${token}`,
      accept: 'application/json',
      // JSON is YAML.
      'content-type': isPatch ? 'application/apply-patch+yaml' : 'application/json',
    };
    const text = body === undefined ? '' : JSON.stringify(body);
    const answer = await send(config, { method, path, headers, ca, text });
    if (answer.status < 300 || answer.status === 404) return answer;
    throw refusal(answer, method, path);
  };
  return {
    async get(path) {
      const { status, text } = await call('GET', path);
      return status === 404 ? undefined : parse(text);
    },
    async apply(path, object) {
      const query = `fieldManager=${fieldManager}&force=true`;
      const answer = await call('PATCH', `${path}?${query}`, object);
      if (answer.status === 404) throw refusal(answer, 'PATCH', path);
      return parse(answer.text);
    },
    async delete(path, uid) {
      await call('DELETE', path, {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        preconditions: { uid },
      });
    },
  };
}

async function readAccount(folder: string): Promise<[token: string, ca: string]> {
  try {
    const [token, ca] = await Promise.all(
      ['token', 'ca.crt'].map((name) => readFile(join(folder, name), 'utf8')),
    );
    return [token?.trim() ?? '', ca ?? ''];
  } catch (cause) {
    throw new CloudError('OFC_CONFIG', 'The token of the service account cannot be read.', {
      hint: `Give the pod a service account whose token is mounted at ${folder}.`,
      cause,
    });
  }
}

function send(
  { url, timeoutMs = 10_000 }: KubernetesConfig,
  sent: {
    readonly method: string;
    readonly path: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly ca: string;
    readonly text: string;
  },
): Promise<Answer> {
  const { method, path, headers, ca, text } = sent;
  const isTls = url.startsWith('https:');
  const options = { method, headers: { ...headers, 'content-length': Buffer.byteLength(text) } };
  return new Promise((resolve, reject) => {
    const fail = (why: string, code: 'OFC_UPSTREAM' | 'OFC_TIMEOUT' = 'OFC_UPSTREAM') =>
      reject(new CloudError(code, `The Kubernetes API did not answer ${method} (${why}).`));
    const request = isTls
      ? httpsRequest(`${url}${path}`, { ...options, ca })
      : httpRequest(`${url}${path}`, options);
    const timer = setTimeout(() => {
      fail('it took too long', 'OFC_TIMEOUT');
      request.destroy();
    }, timeoutMs);
    request.on('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      fail(error.code ?? 'unknown error');
    });
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.length;
        if (size > maxAnswerBytes) response.destroy(new Error('it is too long'));
      });
      response.on('error', () => fail('it broke off'));
      response.on('close', () => clearTimeout(timer));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
      );
    });
    request.end(text);
  });
}

function refusal({ status, text }: Answer, method: string, path: string): CloudError {
  const said = messageOf(text);
  const [route = ''] = path.split('?');
  const message = `Kubernetes answered ${status} to ${method} ${route}${said === '' ? '.' : `: ${said}`}`;
  if (status === 401 || status === 403) {
    return new CloudError('OFC_CONFIG', message, {
      hint: 'Bind the service account to the role of deploy/kubernetes.',
    });
  }
  if (status === 404) {
    return new CloudError('OFC_CONFIG', message, {
      hint: 'Is the SealedSecrets controller installed, and the namespace there?',
    });
  }
  if (status === 409) return new CloudError('OFC_CONFLICT', message);
  if (status === 400 || status === 422) return new CloudError('OFC_SECRETS', message);
  return new CloudError('OFC_UPSTREAM', message);
}

function messageOf(text: string): string {
  const status = parse(text);
  if (typeof status !== 'object' || status === null || !('message' in status)) return '';
  return typeof status.message === 'string' ? status.message.slice(0, 500) : '';
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
