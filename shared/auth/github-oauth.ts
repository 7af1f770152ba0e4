import axios, { type AxiosResponse, isAxiosError } from 'axios';
import * as v from 'valibot';
import { CloudError } from '../errors.ts';
import type { OAuthProvider } from './oauth-provider.ts';

/** A GitHub App's or OAuth App's log-in. */
export interface GithubOAuthConfig {
  /** `https://github.com`, or an Enterprise Server. */
  readonly baseUrl: string;
  /** `https://api.github.com`, or `https://<host>/api/v3`. */
  readonly apiUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

const tokenSchema = v.object({ access_token: v.pipe(v.string(), v.minLength(1)) });
const refusalSchema = v.object({ error: v.string() });
const userSchema = v.object({ id: v.union([v.number(), v.string()]), login: v.string() });
const orgsSchema = v.array(v.object({ login: v.string() }));

/** A person's organisations are read in pages of 100, at most this many. */
const maxOrgPages = 10;

/**
 * Makes an {@link OAuthProvider} for GitHub and what speaks as it does.
 *
 * @see https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-user-access-token-for-a-github-app
 */
export function createGithubOAuth(config: GithubOAuthConfig): OAuthProvider {
  const client = axios.create({
    timeout: 10_000,
    maxContentLength: 1024 * 1024,
    maxRedirects: 0,
    proxy: false,
    responseType: 'text',
    // As text: axios would otherwise guess, and pass on what is not JSON.
    transformResponse: (text: string) => text,
    validateStatus: () => true,
    headers: { accept: 'application/json', 'user-agent': 'openfaas-cloud' },
  });
  const call = async (request: () => Promise<AxiosResponse<string>>, what: string) => {
    try {
      return await request();
    } catch (error) {
      const why = isAxiosError(error) ? (error.code ?? 'no answer') : 'no answer';
      throw new CloudError('OFC_UPSTREAM', `GitHub did not answer about ${what} (${why}).`);
    }
  };
  const get = (url: string, token: string, what: string) =>
    call(
      () =>
        client.get<string>(config.apiUrl + url, { headers: { authorization: `Bearer ${token}` } }),
      what,
    );

  const organisations = async (token: string): Promise<string[]> => {
    const logins: string[] = [];
    for (let page = 1; page <= maxOrgPages; page++) {
      const what = 'the organisations';
      const answer = await get(`/user/orgs?per_page=100&page=${page}`, token, what);
      // An app without the permission to read them: the person signs in as no one's member.
      if (answer.status === 403 || answer.status === 404) break;
      const found = readAnswer(orgsSchema, answer, what);
      logins.push(...found.map(({ login }) => login));
      if (found.length < 100) break;
    }
    return logins;
  };

  return {
    name: 'github',
    authorizeUrl({ redirectUri, state, challenge }) {
      const query = new URLSearchParams({
        response_type: 'code',
        client_id: config.clientId,
        redirect_uri: redirectUri,
        scope: 'read:org',
        state,
        code_challenge: challenge,
        code_challenge_method: 'S256',
      });
      return `${config.baseUrl}/login/oauth/authorize?${query}`;
    },
    async profile({ code, verifier, redirectUri }) {
      const form = new URLSearchParams({
        grant_type: 'authorization_code',
        client_id: config.clientId,
        client_secret: config.clientSecret,
        code,
        redirect_uri: redirectUri,
        code_verifier: verifier,
      });
      const url = `${config.baseUrl}/login/oauth/access_token`;
      const what = 'the code';
      const answer = await call(() => client.post<string>(url, form), what);
      // GitHub answers 200 also if it refuses; RFC 6749 §5.2 says 400.
      const refusal = v.safeParse(v.pipe(v.string(), v.parseJson(), refusalSchema), answer.data);
      if (refusal.success && answer.status < 500) {
        throw new CloudError('OFC_UNAUTHENTICATED', 'GitHub did not accept the code.', {
          hint: 'It may have expired. Sign in again.',
        });
      }
      const { access_token: token } = readAnswer(tokenSchema, answer, what);
      const user = readAnswer(userSchema, await get('/user', token, 'the user'), 'the user');
      return { id: String(user.id), login: user.login, groups: await organisations(token) };
    },
  };
}

function readAnswer<Schema extends v.GenericSchema>(
  schema: Schema,
  answer: AxiosResponse<string>,
  what: string,
): v.InferOutput<Schema> {
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), schema), answer.data);
  if (answer.status !== 200 || !parsed.success) {
    throw new CloudError(
      'OFC_UPSTREAM',
      `GitHub gave no proper answer about ${what} (status ${answer.status}).`,
    );
  }
  return parsed.output;
}
