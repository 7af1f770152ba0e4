import * as v from 'valibot';
import { CloudError } from '#shared/errors.ts';
import { isLoopback, readAnswer, type SendHttp } from './registry-http.ts';

/** A name and password, or token, for one registry. */
export interface RegistryCredentials {
  readonly username: string;
  readonly password: string;
}

/** What a `WWW-Authenticate` header asks for. */
export interface Challenge {
  readonly scheme: 'basic' | 'bearer';
  readonly parameters: Readonly<Record<string, string>>;
}

const maxTokenAnswerBytes = 256 * 1024;
const tokenSchema = v.union([
  v.pipe(
    v.object({ token: v.string() }),
    v.transform(({ token }) => token),
  ),
  v.pipe(
    v.object({ access_token: v.string() }),
    v.transform((answer) => answer.access_token),
  ),
]);

/** Parses the header as registries write it; `undefined` if it asks for something else. */
export function parseChallenge(header: string | undefined): Challenge | undefined {
  const [, scheme, rest = ''] = /^(basic|bearer)\b(.*)$/is.exec(header ?? '') ?? [];
  if (scheme === undefined) return undefined;
  const parameters: Record<string, string> = {};
  for (const [, name = '', quoted, plain] of rest.matchAll(/(\w+)=(?:"([^"]*)"|([^\s,]+))/g)) {
    parameters[name.toLowerCase()] = quoted ?? plain ?? '';
  }
  return { scheme: scheme.toLowerCase() === 'basic' ? 'basic' : 'bearer', parameters };
}

/** The value of an `Authorization` header for Basic. */
export function basicAuth({ username, password }: RegistryCredentials): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

/**
 * Fetches a bearer token, with the credentials if there are any.
 *
 * @param registryUrl The registry that asked. The address of the token service comes from there, so
 * it must be HTTPS; plain HTTP passes only from one loopback address to another.
 * @throws CloudError `OFC_CONFIG` if the service refuses us, `OFC_UPSTREAM` if it makes no sense.
 * @see https://distribution.github.io/distribution/spec/auth/token/
 */
export async function fetchToken(
  send: SendHttp,
  registryUrl: URL,
  { parameters }: Challenge,
  scope: string,
  credentials: RegistryCredentials | undefined,
): Promise<string> {
  const url = tokenUrl(registryUrl, parameters['realm'] ?? '');
  const { service } = parameters;
  if (service !== undefined) url.searchParams.set('service', service);
  for (const each of scope.split(' ')) url.searchParams.append('scope', each);
  const headers = credentials === undefined ? {} : { authorization: basicAuth(credentials) };
  const answer = await send({ method: 'GET', url, headers });
  const body = await readAnswer(answer, maxTokenAnswerBytes);
  if (answer.statusCode === 401 || answer.statusCode === 403) {
    throw new CloudError('OFC_CONFIG', `${url.host} gave no token for ${registryUrl.host}.`, {
      hint: 'Check the credentials of the registry.',
    });
  }
  const parsed = v.safeParse(tokenSchema, parseJson(body));
  if (answer.statusCode !== 200 || !parsed.success) {
    throw new CloudError('OFC_UPSTREAM', `The token service ${url.host} gave no usable answer.`);
  }
  return parsed.output;
}

function tokenUrl(registryUrl: URL, realm: string): URL {
  const url = URL.canParse(realm) ? new URL(realm) : undefined;
  const plainIsFine = isLoopback(registryUrl.host) && isLoopback(url?.host ?? '');
  const safe = url?.protocol === 'https:' || (url?.protocol === 'http:' && plainIsFine);
  if (url === undefined || !safe || url.username !== '' || url.password !== '') {
    throw new CloudError(
      'OFC_UPSTREAM',
      `The registry ${registryUrl.host} names a token service that cannot be trusted.`,
    );
  }
  return url;
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}
