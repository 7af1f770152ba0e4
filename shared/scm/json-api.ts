import { setTimeout as delay } from 'node:timers/promises';
import axios, { type AxiosResponse } from 'axios';
import * as v from 'valibot';
import { CloudError } from '../errors.ts';
import { type RequestError, retryAfterSeconds } from './retry-after.ts';

/** One call of an SCM's API. */
export interface ApiCall {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below the API's base, with a slash in front; the caller encodes what comes from outside. */
  readonly path: string;
  readonly body?: object;
}

/** An SCM's REST API that speaks JSON. */
export interface JsonApi {
  /**
   * @returns what `schema` finds in the answer.
   * @throws CloudError `OFC_BUSY` (a rate limit, or somebody else at the same thing), `OFC_CONFIG` (the
   * token may not do that), `OFC_NOT_FOUND` (any other 4xx), `OFC_UPSTREAM`; `cause` has the status.
   */
  call<Schema extends v.GenericSchema>(
    call: ApiCall,
    schema: Schema,
  ): Promise<v.InferOutput<Schema>>;
  /** The same; `undefined` for a 404. */
  find<Schema extends v.GenericSchema>(
    call: ApiCall,
    schema: Schema,
  ): Promise<v.InferOutput<Schema> | undefined>;
}

interface JsonApiConfig {
  /** For messages, such as `GitLab`. */
  readonly name: string;
  /** Such as `https://gitlab.com/api/v4`: the only place that the credential is sent to. */
  readonly baseUrl: string;
  /** The header with the credential. */
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/** How often a call is tried in all, and how long a pause may be; a longer one is the caller's. */
const maxTries = 4;
const maxPauseMs = 3_000;
const maxAnswerBytes = 5 * 1024 * 1024;

/**
 * Makes a {@link JsonApi}. It follows no redirect, so the credential stays with its host, and never
 * puts a request into an error. Answers 409 and 429 are tried again after a short pause.
 */
export function createJsonApi(config: JsonApiConfig): JsonApi {
  const { name, baseUrl, headers, timeoutMs = 10_000 } = config;
  const http = axios.create({
    headers: { ...headers, accept: 'application/json' },
    maxRedirects: 0,
    maxContentLength: maxAnswerBytes,
    validateStatus: () => true,
  });
  const send = async ({ method = 'GET', path, body }: ApiCall): Promise<AxiosResponse<unknown>> => {
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      const url = `${baseUrl}${path}`;
      return await http.request({
        method,
        url,
        signal,
        ...(body === undefined ? {} : { data: body }),
      });
    } catch {
      // The library's error holds the request with its headers.
      throw new CloudError('OFC_UPSTREAM', `${name} did not answer.`);
    }
  };
  const answer = async (call: ApiCall): Promise<unknown> => {
    for (let tries = 1; ; tries += 1) {
      const { status, headers: given, data } = await send(call);
      if (status >= 200 && status < 300) return data;
      const error = apiError(name, status, data, given as Record<string, string>);
      const pause = pauseMs(error, tries);
      if (pause === undefined) throw error;
      await delay(pause);
    }
  };
  const read = <Schema extends v.GenericSchema>(schema: Schema, data: unknown) => {
    const parsed = v.safeParse(schema, data);
    if (parsed.success) return parsed.output;
    const where = v.getDotPath(parsed.issues[0]) ?? 'body';
    throw new CloudError('OFC_UPSTREAM', `${name}'s answer cannot be used: ${where}.`);
  };
  return {
    async call(call, schema) {
      return read(schema, await answer(call));
    },
    async find(call, schema) {
      try {
        return read(schema, await answer(call));
      } catch (error) {
        if (statusOf(error) === 404) return undefined;
        throw error;
      }
    },
  };
}

/** The HTTP status behind an error of a {@link JsonApi}. */
export function statusOf(error: unknown): number | undefined {
  const cause = error instanceof CloudError ? error.cause : undefined;
  return (cause as Partial<RequestError> | undefined)?.status;
}

/** How long until another try makes sense; `undefined`: not here. */
function pauseMs(error: CloudError, tries: number): number | undefined {
  if (error.code !== 'OFC_BUSY' || tries >= maxTries) return undefined;
  if (statusOf(error) === 409) return 100 * 2 ** tries * (0.5 + Math.random());
  const asked = (retryAfterSeconds(error) ?? 0) * 1000;
  return asked <= maxPauseMs ? asked : undefined;
}

function apiError(
  name: string,
  status: number,
  data: unknown,
  headers: Readonly<Record<string, string>>,
): CloudError {
  const said = `${name} answered ${status}: ${textOf(data)}`;
  const cause = Object.assign(new Error(said), { status, response: { headers } });
  if (status === 409 || status === 429) return new CloudError('OFC_BUSY', said, { cause });
  if (status >= 300 && status < 400) {
    return new CloudError(
      'OFC_CONFIG',
      `${name} answered with a redirect, which is not followed.`,
      {
        hint: 'Set the address of the SCM to where it really is.',
        cause,
      },
    );
  }
  if (status === 401 || status === 403) {
    return new CloudError('OFC_CONFIG', said, {
      hint: 'Check the API token and its scopes.',
      cause,
    });
  }
  return new CloudError(status < 500 ? 'OFC_NOT_FOUND' : 'OFC_UPSTREAM', said, { cause });
}

function textOf(data: unknown): string {
  const message = (data as { message?: unknown; error?: unknown } | undefined)?.message ?? data;
  return (typeof message === 'string' ? message : (JSON.stringify(message) ?? '')).slice(0, 300);
}
