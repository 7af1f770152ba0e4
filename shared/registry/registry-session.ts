import type { IncomingMessage } from 'node:http';
import * as v from 'valibot';
import { CloudError } from '#shared/errors.ts';
import type { ImageReference } from './image-reference.ts';
import {
  basicAuth,
  type Challenge,
  fetchToken,
  parseChallenge,
  type RegistryCredentials,
} from './registry-auth.ts';
import {
  createHttpSender,
  type HttpRequest,
  isLoopback,
  readAnswer,
  type SendHttp,
} from './registry-http.ts';

/** What a request to a registry needs besides the request. */
export interface RegistryRequest extends Omit<HttpRequest, 'url'> {
  /** Below `/v2/<repository>/`, or an absolute address that the registry gave. */
  readonly target: string | URL;
  readonly reference: ImageReference;
  /** Repositories and what is done with them, such as `repository:alice/app:pull,push`. */
  readonly scope: string;
}

const maxRedirects = 5;
const maxErrorBytes = 64 * 1024;
const errorSchema = v.object({
  errors: v.array(v.object({ code: v.string(), message: v.optional(v.string()) })),
});

/**
 * Talks to registries: finds their address, logs in when one asks (once per registry and scope,
 * then from memory) and follows redirects of reads, without credentials to other hosts.
 */
export class RegistrySession {
  readonly #send: SendHttp = createHttpSender();
  readonly #authorizations = new Map<string, string>();
  readonly #credentials: (host: string) => RegistryCredentials | undefined;

  constructor(credentials: (host: string) => RegistryCredentials | undefined) {
    this.#credentials = credentials;
  }

  /** The answer, whatever its status; the caller must read it or {@link discard} it. */
  async request(request: RegistryRequest): Promise<IncomingMessage> {
    const base = baseUrl(request.reference);
    let url = new URL(request.target, base);
    const key = `${base.host} ${request.scope}`;
    let loggedIn = false;
    for (let redirects = 0; redirects <= maxRedirects; ) {
      checkAddress(url, base);
      const ours = url.origin === base.origin;
      const authorization = ours ? this.#authorizations.get(key) : undefined;
      const { method, headers = {}, body } = request;
      const answer = await this.#send({
        method,
        url,
        headers: { ...headers, ...(authorization === undefined ? {} : { authorization }) },
        ...(body === undefined ? {} : { body }),
      });
      const status = answer.statusCode ?? 0;
      const { location } = answer.headers;
      if (status === 401 && ours && !loggedIn) {
        const challenge = parseChallenge(answer.headers['www-authenticate']);
        const login = await this.#logIn(base, challenge, request);
        if (login === undefined) return answer;
        this.#authorizations.set(key, login);
        loggedIn = true;
        discard(answer);
      } else if (isRedirect(status) && isRead(method) && location !== undefined) {
        url = new URL(location, url);
        redirects++;
        discard(answer);
      } else {
        return answer;
      }
    }
    throw new CloudError('OFC_UPSTREAM', `The registry ${base.host} redirects for ever.`);
  }

  async #logIn(
    base: URL,
    challenge: Challenge | undefined,
    { reference, scope }: RegistryRequest,
  ): Promise<string | undefined> {
    const credentials = this.#credentials(reference.host);
    if (challenge?.scheme === 'basic') {
      return credentials === undefined ? undefined : basicAuth(credentials);
    }
    if (challenge === undefined) return undefined;
    return `Bearer ${await fetchToken(this.#send, base, challenge, scope, credentials)}`;
  }
}

/** Reads an answer to its end, so that the connection can be used again. */
export function discard(answer: IncomingMessage): void {
  answer.on('error', () => {}).resume();
}

/**
 * An answer of the wrong status as an error: `OFC_CONFIG` (401, 403), `OFC_NOT_FOUND`, `OFC_BUSY`
 * (429) or `OFC_UPSTREAM`, with what the registry says about it.
 */
export async function refused(
  answer: IncomingMessage,
  what: string,
  { host, repository }: ImageReference,
): Promise<CloudError> {
  const status = answer.statusCode ?? 0;
  const body = await readAnswer(answer, maxErrorBytes).catch(() => Buffer.alloc(0));
  const message = `The registry ${host} refused to ${what} of ${repository}: ${status}${reason(body)}.`;
  if (status === 401 || status === 403) {
    return new CloudError('OFC_CONFIG', message, {
      hint: 'Check the credentials of the registry.',
    });
  }
  if (status === 404) return new CloudError('OFC_NOT_FOUND', message);
  return new CloudError(status === 429 ? 'OFC_BUSY' : 'OFC_UPSTREAM', message);
}

function reason(body: Buffer): string {
  try {
    const [first] = v.parse(errorSchema, JSON.parse(body.toString('utf8'))).errors;
    return first === undefined
      ? ''
      : ` ${first.code} ${first.message ?? ''}`.slice(0, 200).trimEnd();
  } catch {
    return '';
  }
}

function baseUrl({ host, repository }: ImageReference): URL {
  const api = host === 'docker.io' ? 'registry-1.docker.io' : host;
  return new URL(`${isLoopback(api) ? 'http' : 'https'}://${api}/v2/${repository}/`);
}

/** A registry elsewhere must not send us to plain HTTP or to services of this machine. */
function checkAddress(url: URL, base: URL): void {
  const safe = isLoopback(base.host)
    ? /^https?:$/.test(url.protocol)
    : url.protocol === 'https:' && !isLoopback(url.host);
  if (safe && url.username === '') return;
  throw new CloudError('OFC_UPSTREAM', `The registry ${base.host} sends us to ${url.origin}.`);
}

function isRedirect(status: number): boolean {
  return status >= 301 && status <= 308 && status !== 304;
}

function isRead(method: string): boolean {
  return method === 'GET' || method === 'HEAD';
}
