import type { IncomingMessage, ServerResponse } from 'node:http';
import { createGithubOAuth } from '#shared/auth/github-oauth.ts';
import { createLogger } from '#shared/log.ts';
import { createSigner, type Signer } from '#shared/messages/signature.ts';
import { signVisitor, type Visitor } from '#shared/messages/visitor.ts';
import type { ObjectStore } from '#shared/object-store/object-store.ts';
import { createPersonList, type PersonList } from '#shared/person-list.ts';
import { parseSite, type Site } from '#shared/router/site.ts';
import type { AuthConfig } from '../../../functions/of-auth/config.ts';
import { createAuth } from '../../../functions/of-auth/of-auth.ts';
import type { CustomerCheck } from '../../../functions/of-auth/parts.ts';
import { es256Pair } from '../../helpers/es256-pair.ts';
import { send, type TestAnswer } from '../../helpers/http-client.ts';
import { listen } from '../../helpers/listen.ts';
import { createMemoryObjectStore } from '../../helpers/memory-object-store.ts';

/** of-auth beside a server that plays GitHub. */
export interface AuthStage {
  readonly port: number;
  readonly site: Site;
  readonly signer: Signer;
  readonly lines: string[];
  /** Requests that reached the provider. */
  readonly calls: { url: string; headers: IncomingMessage['headers']; body: string }[];
  /** Answers of the provider by path; a test may replace them. */
  readonly provider: Record<string, (response: ServerResponse, url: string) => void>;
  close(): Promise<void>;
}

export const reply =
  (value: unknown, status = 200) =>
  (response: ServerResponse): void => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
  };

/** A list of customers that a test may change, and take away. */
export function customersOf(...entries: string[]) {
  const list: { now: PersonList | undefined } = { now: createPersonList(entries) };
  const check: CustomerCheck = {
    admits: async (person) => {
      if (list.now === undefined) throw new Error('out');
      return list.now.admits(person);
    },
    check: async () => ({ ok: list.now !== undefined, count: list.now?.size ?? 0 }),
  };
  return { list, check };
}

export async function buildAuthStage({
  customers,
  prettyUrl = 'https://user.example.com/function',
  store = createMemoryObjectStore(),
  now,
  ...config
}: {
  customers?: CustomerCheck;
  prettyUrl?: string;
  store?: ObjectStore;
  now?: () => number;
} & Partial<AuthConfig> = {}): Promise<AuthStage> {
  const calls: AuthStage['calls'] = [];
  const lines: string[] = [];
  const provider: AuthStage['provider'] = {
    '/login/oauth/access_token': reply({ access_token: 'provider-token', token_type: 'bearer' }),
    '/api/user': reply({ id: 7, login: 'Alice' }),
    '/api/user/orgs': reply([
      { id: 70, login: 'Acme' },
      { id: 71, login: 'system' },
    ]),
  };
  const github = await listen(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const url = request.url ?? '';
    calls.push({ url, headers: request.headers, body });
    const answer = provider[url.split('?')[0] ?? ''];
    if (answer === undefined) response.writeHead(404).end();
    else answer(response, url);
  });
  const site = parseSite(prettyUrl);
  const signer = createSigner({ current: 'stage-secret' });
  const handle = createAuth(
    {
      site,
      signer,
      keys: { ...es256Pair(), previousPublicKey: undefined },
      providers: [
        createGithubOAuth({
          baseUrl: github.url,
          apiUrl: `${github.url}/api`,
          clientId: 'client',
          clientSecret: 'client-secret',
        }),
      ],
      operators: [],
      idleSeconds: 3600,
      lifetimeSeconds: 3600,
      loginRate: 10_000,
      loginRateTotal: 10_000,
      notes: [],
      ...config,
    },
    store,
    customers,
    now,
  );
  const front = await listen((request, response) => {
    const log = createLogger({}, (line) => lines.push(line));
    void handle(request, response, {
      callId: 'call',
      signal: new AbortController().signal,
      log,
      note: () => undefined,
    });
  });
  return {
    port: front.port,
    site,
    signer,
    lines,
    calls,
    provider,
    async close() {
      await front.close();
      await github.close();
    },
  };
}

/** The headers with which of-router vouches for a visitor of `host`. */
export function vouched(
  { signer }: Pick<AuthStage, 'signer'>,
  path: string,
  visitor: Partial<Visitor>,
): Record<string, string> {
  const known = { host: 'system.example.com', address: '192.0.2.1', ...visitor };
  const [name = '', text = '', signatureName = '', signature = ''] = signVisitor(
    signer,
    path,
    known,
  );
  return { [name]: text, [signatureName]: signature };
}

/** Name and value of each cookie that an answer sets. */
export function cookiesOf(answer: TestAnswer): Record<string, string> {
  return Object.fromEntries(
    (answer.headers['set-cookie'] ?? []).map((text) => {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(text) ?? [];
      return [name, value];
    }),
  );
}

/** The cookies that an answer sets, as a browser sends them back. */
export function pairsOf(answer: TestAnswer): string {
  const pairs = Object.entries(cookiesOf(answer)).map(([name, value]) => `${name}=${value}`);
  return pairs.join('; ');
}

/** The first half of a login: what the provider would be told, and the browser's cookie. */
export async function startLogin(stage: AuthStage, query = '') {
  const answer = await send(stage.port, `/auth/login${query}`);
  const authorize = new URL(answer.headers.location ?? '');
  const state = authorize.searchParams.get('state') ?? '';
  return { answer, authorize, cookie: pairsOf(answer), state };
}

/** The whole login as a browser does it. */
export async function signIn(stage: AuthStage, query = ''): Promise<TestAnswer> {
  const { cookie, state } = await startLogin(stage, query);
  return send(stage.port, `/auth/callback?code=good&state=${state}`, { headers: { cookie } });
}

/** Hands a session over to a host of an owner as a browser does, and gives the cookie's value there. */
export async function handOver(
  stage: AuthStage,
  sessionToken: string,
  host: string,
): Promise<string> {
  const get = (path: string, at: string, cookie: string) =>
    send(stage.port, path, { headers: { ...vouched(stage, path, { host: at }), cookie } });
  const system = 'system.example.com';
  const begun = await get('/.well-known/openfaas-cloud/sign-in?r=/hello', host, '');
  const binding = pairsOf(begun);
  const ask = new URL(begun.headers.location ?? '');
  const session = `__Host-openfaas_cloud_token=${sessionToken}`;
  const granted = await get(ask.pathname + ask.search, system, session);
  const back = new URL(String(granted.headers['refresh']).replace('0; url=', ''));
  const done = await get(back.pathname + back.search, host, binding);
  return cookiesOf(done)['__Host-ofc_session'] ?? '';
}
