import axios, { type AxiosResponse, isAxiosError } from 'axios';
import * as v from 'valibot';
import { CloudError } from '../errors.ts';
import type { OAuthConfig } from './oauth-provider.ts';

/** Talks to one provider. Answers are limited in size and time, and redirects are not followed. */
export interface OAuthHttp {
  /**
   * An access token for a code.
   *
   * @throws CloudError `OFC_UNAUTHENTICATED` if the provider refuses the code, else `OFC_UPSTREAM`.
   */
  exchange(url: string, config: OAuthConfig, grant: CodeGrant): Promise<string>;
  /** Reads `url`. @throws CloudError `OFC_UPSTREAM` if there is no answer. */
  get(url: string, token: string, what: string): Promise<AxiosResponse<string>>;
  /** The body of an answer with status 200. @throws CloudError `OFC_UPSTREAM` if it is not as it should be. */
  read<Schema extends v.GenericSchema>(
    schema: Schema,
    answer: AxiosResponse<string>,
    what: string,
  ): v.InferOutput<Schema>;
}

/** What the visitor came back with, and what belongs to it. */
export interface CodeGrant {
  readonly code: string;
  readonly verifier: string;
  readonly redirectUri: string;
}

const tokenSchema = v.object({ access_token: v.pipe(v.string(), v.minLength(1)) });
const refusalSchema = v.object({ error: v.string() });

/** @param title The provider's name in messages. */
export function createOAuthHttp(title: string): OAuthHttp {
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
      throw new CloudError('OFC_UPSTREAM', `${title} did not answer about ${what} (${why}).`, {
        hint: 'Try again in a moment.',
      });
    }
  };
  const read: OAuthHttp['read'] = (schema, answer, what) => {
    const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), schema), answer.data);
    if (answer.status !== 200 || !parsed.success) {
      throw new CloudError(
        'OFC_UPSTREAM',
        `${title} gave no proper answer about ${what} (status ${answer.status}).`,
      );
    }
    return parsed.output;
  };

  return {
    read,
    get: (url, token, what) =>
      call(() => client.get<string>(url, { headers: { authorization: `Bearer ${token}` } }), what),
    async exchange(url, { clientId, clientSecret }, { code, verifier, redirectUri }) {
      const form = new URLSearchParams({
        grant_type: 'authorization_code',
        client_id: clientId,
        client_secret: clientSecret,
        code,
        redirect_uri: redirectUri,
        code_verifier: verifier,
      });
      const what = 'the code';
      const answer = await call(() => client.post<string>(url, form), what);
      // GitHub answers 200 also if it refuses; RFC 6749 §5.2 says 400.
      const refusal = v.safeParse(v.pipe(v.string(), v.parseJson(), refusalSchema), answer.data);
      if (refusal.success && answer.status < 500) {
        if (isOurFault(refusal.output.error)) {
          throw new CloudError(
            'OFC_CONFIG',
            `${title} does not accept this platform's client id, secret or callback URL.`,
            { hint: 'The operator of this platform has to check them.' },
          );
        }
        throw new CloudError('OFC_UNAUTHENTICATED', `${title} did not accept the code.`, {
          hint: 'It may have expired. Sign in again.',
        });
      }
      return read(tokenSchema, answer, what).access_token;
    },
  };
}

/** Whether a refusal is about the platform and not about the code. */
function isOurFault(error: string): boolean {
  return /^(?:incorrect_client_credentials|redirect_uri_mismatch|invalid_client|unauthorized_client)$/.test(
    error,
  );
}
