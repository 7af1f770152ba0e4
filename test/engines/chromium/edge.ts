import { randomUUID } from 'node:crypto';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type BrowserContext, chromium } from 'playwright-core';
import type { RawContext } from '#runtime-types';
import { createGithubOAuth } from '#shared/auth/github-oauth.ts';
import { createGitlabOAuth } from '#shared/auth/gitlab-oauth.ts';
import { createLogger } from '#shared/log.ts';
import { createSigner } from '#shared/messages/signature.ts';
import { createPersonList } from '#shared/person-list.ts';
import { parseSite } from '#shared/router/site.ts';
import { createAuth } from '../../../functions/of-auth/of-auth.ts';
import { createRouter } from '../../../functions/of-router/router.ts';
import { createGitServer } from '../../../local/git-server/git-server.ts';
import { es256Pair } from '../../helpers/es256-pair.ts';
import { type FakeGitlab, startFakeGitlab } from '../../helpers/fake-gitlab.ts';
import { listen } from '../../helpers/listen.ts';
import { createMemoryObjectStore } from '../../helpers/memory-object-store.ts';
import { tempDir } from '../../helpers/temp-dir.ts';
import { createTestAuthority } from '../../helpers/test-certificates.ts';

const authAnnotation = 'com.openfaas.cloud.auth';
const clientId = 'client';
const clientSecret = 'client-secret';

/** Tenants' functions by deployed name: the owner, its provider, and the protection. */
const functions: Record<string, readonly [owner: string, scm: string, protection?: string]> = {
  'alice-hello': ['alice', 'github'],
  'alice-private': ['alice', 'github', 'owner'],
  'bob-shared': ['bob', 'github', 'customers'],
  'acme-team': ['acme', 'gitlab', 'members'],
};

/** of-router and of-auth over HTTPS, as visitors meet them, with GitHub's and GitLab's stand-ins. */
export interface Edge {
  /** What reached functions: the name and the headers, in turn. */
  readonly seen: { name: string; rawHeaders: readonly string[] }[];
  readonly gitlab: FakeGitlab;
  /** A visitor with cookies of their own, in Chromium, which finds `*.example.com` here. */
  visitor(options?: { dark?: boolean; noScript?: boolean }): Promise<BrowserContext>;
  close(): Promise<void>;
}

/** Starts an {@link Edge}; of-auth lets in everyone but mallory. */
export async function startEdge(): Promise<Edge> {
  const site = parseSite('https://user.example.com/function');
  const signer = createSigner({ current: 'edge-secret' });
  const log = createLogger({}, () => undefined);
  const folder = await tempDir();
  const seen: Edge['seen'] = [];

  const gitServer = createGitServer({
    folder: folder.path,
    basePath: '/git',
    publicUrl: () => `${git.url}/git`,
    webhook: { url: () => 'http://127.0.0.1:9/', secret: 'x' },
    app: {
      ...{ id: 1, publicKeyPem: es256Pair().publicKey, clientId, clientSecret },
      callbackUrl: () => `${site.systemOrigin}/auth/callback`,
    },
    log,
  });
  const git = await listen((request, response) => void gitServer.handle(request, response));
  const gitlab = await startFakeGitlab({
    users: [
      { id: 31, username: 'alice', groups: ['acme', 'acme/web'], owned: ['acme'] },
      { id: 32, username: 'mallory', groups: [] },
    ],
    ...{ clientId, clientSecret },
    redirectUri: `${site.systemOrigin}/auth/callback/gitlab`,
  });

  const customers = createPersonList(['alice', 'bob', 'github:carol']);
  const auth = createAuth(
    {
      ...{ site, signer, keys: { ...es256Pair(), previousPublicKey: undefined } },
      providers: [
        createGithubOAuth({
          ...{ baseUrl: `${git.url}/git`, apiUrl: `${git.url}/git/api/v3`, clientId, clientSecret },
        }),
        createGitlabOAuth({ baseUrl: gitlab.url, clientId, clientSecret }),
      ],
      operators: [],
      ...{ idleSeconds: 3600, lifetimeSeconds: 7200, loginRate: 1000, loginRateTotal: 1000 },
      notes: ['Everything runs on this machine.'],
    },
    createMemoryObjectStore(),
    {
      admits: async (person) => customers.admits(person),
      check: async () => ({ ok: true, count: customers.size }),
    },
  );
  const contextOf = (): RawContext => ({
    callId: randomUUID(),
    signal: new AbortController().signal,
    log,
    note: () => undefined,
  });
  const gateway = await listen((request, response) => {
    const [, name = '', rest = '/'] = /^\/function\/([^/?]+)(.*)$/.exec(request.url ?? '') ?? [];
    if (request.url === '/system/functions') {
      const list = Object.entries(functions).map(toStatus);
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(list));
      return;
    }
    if (name === 'of-auth') {
      request.url = rest.startsWith('/') ? rest : `/${rest}`;
      void auth(request, response, contextOf());
      return;
    }
    seen.push({ name, rawHeaders: request.rawHeaders });
    response.writeHead(200, { 'content-type': 'text/html' }).end(`<h1>This is ${name}</h1>`);
  });
  const router = createRouter({
    ...{ site, signer, gateway: { url: gateway.url }, hostSource: 'host', trustedProxies: 0 },
    ...{ timeoutMs: 5000, indexRefreshMs: 1000, authCacheMs: 0, asyncQuota: 0 },
    limits: {
      owner: { perSecond: 0, concurrency: 0 },
      address: { perSecond: 0, concurrency: 0 },
    },
  });
  const certified = await (await createTestAuthority()).issue('*.example.com');
  const front = createServer(certified, (request, response) => {
    void router.handle(request, response, contextOf());
  });
  await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
  const { port } = front.address() as AddressInfo;
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      `--host-resolver-rules=MAP *.example.com:443 127.0.0.1:${port},MAP * ~NOTFOUND,EXCLUDE 127.0.0.1`,
    ],
  });

  return {
    seen,
    gitlab,
    visitor: ({ dark = false, noScript = false } = {}) =>
      browser.newContext({
        ignoreHTTPSErrors: true,
        javaScriptEnabled: !noScript,
        colorScheme: dark ? 'dark' : 'light',
        viewport: { width: 800, height: 600 },
      }),
    async close() {
      await browser.close();
      front.closeAllConnections();
      await new Promise((resolve) => front.close(resolve));
      await router.close();
      await Promise.all([gateway.close(), git.close(), gitlab.close(), gitServer.close()]);
      await folder.remove();
    },
  };
}

function toStatus([name, [owner, scm, protection]]: [string, (typeof functions)[string]]) {
  return {
    name,
    labels: {
      'com.openfaas.cloud.git-cloud': '1',
      'com.openfaas.cloud.git-owner': owner,
      'com.openfaas.cloud.git-scm': scm,
    },
    annotations: protection === undefined ? {} : { [authAnnotation]: protection },
  };
}
