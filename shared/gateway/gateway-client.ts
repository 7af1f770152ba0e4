import { Agent } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import axios, { type AxiosRequestConfig, type AxiosResponse, isAxiosError } from 'axios';
import * as v from 'valibot';
import { CloudError, type ErrorCode } from '../errors.ts';
import { traceHeaders } from '../observe/trace-context.ts';
import {
  type FunctionDeployment,
  type FunctionStatus,
  functionStatusSchema,
} from './function-status.ts';

/** Where the gateway is, and how to log in to its `/system` routes. */
export interface GatewayConfig {
  /** Base URL without a trailing slash, such as `http://gateway.openfaas:8080`. */
  readonly url: string;
  readonly credentials?: { readonly user: string; readonly password: string } | undefined;
  readonly timeoutMs?: number;
}

/** An answer of a function that was invoked synchronously. */
export interface InvocationAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
}

/** The parts of OpenFaaS's REST API that the platform uses. */
export interface GatewayClient {
  list(): Promise<FunctionStatus[]>;
  get(name: string): Promise<FunctionStatus | undefined>;
  /** Updates the function, or creates it if the gateway does not know it, as faas-cli does. */
  deploy(deployment: FunctionDeployment): Promise<void>;
  /** Removes the function; one that is gone already is fine. */
  remove(name: string): Promise<void>;
  /** Puts a message into the queue: resolves once the gateway took it (202). */
  invokeAsync(
    name: string,
    body: string | Buffer,
    options?: { query?: string; headers?: Readonly<Record<string, string>> },
  ): Promise<void>;
  /** Calls a function and gives its answer, whatever the status. */
  invoke(
    name: string,
    options: {
      method: 'GET' | 'POST';
      path?: string;
      headers?: Readonly<Record<string, string>>;
      body?: string | Buffer;
      timeoutMs?: number;
    },
  ): Promise<InvocationAnswer>;
}

/** The secrets of the gateway, as `faas-cli secret` has them. */
export interface GatewaySecrets {
  /** The names of all secrets; values never come back. */
  listSecrets(): Promise<string[]>;
  /** Updates the secret, or creates it if the gateway does not know it. */
  putSecret(name: string, value: Buffer): Promise<void>;
  /** Removes the secret; one that is gone already is fine. */
  removeSecret(name: string): Promise<void>;
}

const secretsUrl = '/system/secrets';
const maxAnswerBytes = 16 * 1024 * 1024;

/**
 * Makes a {@link GatewayClient}. Errors: `OFC_UPSTREAM` (unreachable, 5xx, anything unexpected),
 * `OFC_BUSY` (429), `OFC_CONFIG` (401: credentials), `OFC_DEPLOY_FAILED` (it refused a function).
 */
export function createGatewayClient(config: GatewayConfig): GatewayClient & GatewaySecrets {
  const settings: AxiosRequestConfig = {
    baseURL: config.url,
    timeout: config.timeoutMs ?? 30_000,
    maxRedirects: 0,
    maxContentLength: maxAnswerBytes,
    responseType: 'arraybuffer',
    transitional: { clarifyTimeoutError: true },
    validateStatus: () => true,
    proxy: false,
    httpAgent: new Agent({ keepAlive: true }),
    httpsAgent: new TlsAgent({ keepAlive: true }),
  };
  /** Invocations never carry the gateway's credentials: the function would see them. */
  const functions = axios.create(settings);
  const { credentials } = config;
  const system = axios.create(
    credentials === undefined
      ? settings
      : { ...settings, auth: { username: credentials.user, password: credentials.password } },
  );

  const call = async (
    request: AxiosRequestConfig,
    client = system,
  ): Promise<AxiosResponse<Buffer>> => {
    try {
      return await client.request<Buffer>(request);
    } catch (error) {
      const why = isAxiosError(error) ? (error.code ?? error.message) : 'unknown error';
      throw new CloudError(
        why === 'ETIMEDOUT' ? 'OFC_TIMEOUT' : 'OFC_UPSTREAM',
        `The gateway did not answer ${request.method} ${path(request.url)} (${why}).`,
      );
    }
  };
  const expect = (
    answer: AxiosResponse<Buffer>,
    accepted: readonly number[],
    what: string,
    refused: ErrorCode = 'OFC_UPSTREAM',
  ) => {
    if (!accepted.includes(answer.status)) throw refusal(answer, what, refused);
    return answer;
  };

  return {
    async list() {
      const answer = expect(
        await call({ method: 'GET', url: '/system/functions' }),
        [200],
        'the list of functions',
      );
      return parseAnswer(v.nullable(v.array(functionStatusSchema)), answer) ?? [];
    },
    async get(name) {
      const url = `/system/function/${encodeURIComponent(name)}`;
      const answer = await call({ method: 'GET', url });
      if (answer.status === 404) return undefined;
      return parseAnswer(functionStatusSchema, expect(answer, [200], `function ${name}`));
    },
    async deploy(deployment) {
      const request = { url: '/system/functions', data: deployment };
      const updated = await call({ ...request, method: 'PUT' });
      const answer = updated.status === 404 ? await call({ ...request, method: 'POST' }) : updated;
      expect(answer, [200, 201, 202], `function ${deployment.service}`, 'OFC_DEPLOY_FAILED');
    },
    async remove(name) {
      const answer = await call({
        method: 'DELETE',
        url: '/system/functions',
        data: { functionName: name },
      });
      expect(answer, [200, 202, 204, 404], `the removal of ${name}`);
    },
    async listSecrets() {
      const answer = await call({ method: 'GET', url: secretsUrl });
      const names = v.nullable(v.array(v.object({ name: v.string() })));
      const found = parseAnswer(names, expect(answer, [200], 'the list of secrets')) ?? [];
      return found.map(({ name }) => name);
    },
    async putSecret(name, value) {
      // Both CE providers take rawValue; `value` is for gateways that know nothing else.
      const data = { name, value: value.toString('utf8'), rawValue: value.toString('base64') };
      const updated = await call({ method: 'PUT', url: secretsUrl, data });
      const isNew = updated.status === 404;
      const answer = isNew ? await call({ method: 'POST', url: secretsUrl, data }) : updated;
      expect(answer, [200, 201, 202], `the secret ${name}`, 'OFC_SECRETS');
    },
    async removeSecret(name) {
      const known = await this.listSecrets();
      if (!known.includes(name)) return;
      const answer = await call({ method: 'DELETE', url: secretsUrl, data: { name } });
      expect(answer, [200, 202, 204, 404], `the removal of the secret ${name}`);
    },
    async invokeAsync(name, body, { query, headers } = {}) {
      const answer = await call(
        {
          method: 'POST',
          url: `/async-function/${name}${query === undefined ? '' : `?${query}`}`,
          data: bytes(body),
          headers: { 'content-type': 'application/json', ...traceHeaders(), ...headers },
        },
        functions,
      );
      expect(answer, [202], `a message for ${name}`);
    },
    async invoke(name, { method, path: route = '/', headers, body, timeoutMs }) {
      const answer = await call(
        {
          method,
          url: `/function/${name}${route}`,
          ...(body === undefined ? {} : { data: bytes(body) }),
          ...(timeoutMs === undefined ? {} : { timeout: timeoutMs }),
          headers: { 'content-type': 'application/json', ...traceHeaders(), ...headers },
        },
        functions,
      );
      return {
        status: answer.status,
        headers: answer.headers as Record<string, string | undefined>,
        body: Buffer.from(answer.data),
      };
    },
  };
}

function parseAnswer<Schema extends v.GenericSchema>(
  schema: Schema,
  answer: AxiosResponse<Buffer>,
): v.InferOutput<Schema> {
  const parsed = v.safeParse(
    v.pipe(v.string(), v.parseJson(), schema),
    Buffer.from(answer.data).toString('utf8'),
  );
  if (!parsed.success) {
    throw new CloudError('OFC_UPSTREAM', 'The gateway gave an answer that cannot be read.');
  }
  return parsed.output;
}

/** As axios sends it unchanged; a text it would trim, or quote if it is not JSON. */
function bytes(body: string | Buffer): Buffer {
  return Buffer.from(body);
}

function refusal(answer: AxiosResponse<Buffer>, what: string, refused: ErrorCode): CloudError {
  const said = Buffer.from(answer.data).toString('utf8').trim().slice(0, 500);
  const message = `The gateway answered ${answer.status} for ${what}${said === '' ? '.' : `: ${said}`}`;
  if (answer.status === 401 || answer.status === 403) {
    return new CloudError('OFC_CONFIG', message, {
      hint: 'Check the secrets basic-auth-user and basic-auth-password.',
    });
  }
  if (answer.status === 429) return new CloudError('OFC_BUSY', message);
  if (answer.status >= 500) return new CloudError('OFC_UPSTREAM', message);
  return new CloudError(refused, message);
}

function path(url: string | undefined): string {
  return (url ?? '').split('?')[0] ?? '';
}
