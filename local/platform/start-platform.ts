import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { CloudError, errorMessage } from '#shared/errors.ts';
import { createGatewayClient, type GatewayClient } from '#shared/gateway/gateway-client.ts';
import type { Logger } from '#shared/log.ts';
import { createS3ObjectStore } from '#shared/object-store/s3-object-store.ts';
import { createRecords, type Records } from '#shared/pipeline/records.ts';
import { createRegistryClient } from '#shared/registry/registry-client.ts';
import { createBuilder } from '../builder/builder-server.ts';
import { createGateway, type Gateway } from '../gateway/gateway.ts';
import { createGitServer } from '../git-server/git-server.ts';
import { createGatewayMetrics } from '../metrics/gateway-metrics.ts';
import { createS3Server } from '../object-store/s3-server.ts';
import { createProcessProvider } from '../provider/process-provider.ts';
import { createRegistryImages } from '../provider/registry-images.ts';
import type { Isolation } from '../provider/sandbox.ts';
import { createRegistry } from '../registry/registry.ts';
import { createSecretStore } from '../secrets/secret-store.ts';
import { lockData } from './data-lock.ts';
import { createEdge } from './edge.ts';
import { type MoreScms, writeScmSecrets } from './more-scms.ts';
import { npmEnvironment } from './npm-environment.ts';
import { appId, oauthClientId, platformEnvironment } from './platform-environment.ts';
import { deployPlatformFunctions } from './platform-functions.ts';
import { preparePlatformSecrets } from './platform-secrets.ts';
import { registryCredentials } from './registry-credentials.ts';
import { stablePort } from './stable-port.ts';
import { startMetrics } from './start-metrics.ts';
import { startPage } from './start-page.ts';

/** What `npm start` can be told. */
export interface PlatformOptions {
  /** The project's root folder. */
  readonly root: string;
  /** Where all state is kept. */
  readonly data: string;
  /** The port on 127.0.0.1; 0 takes a free one. */
  readonly port: number;
  readonly isolation: Isolation;
  /** How long a function runs without requests before it is stopped, in milliseconds. */
  readonly idleMs: number;
  readonly scms?: MoreScms;
  /** A list of owners who may deploy; without it everybody on this machine may. */
  readonly customers?: string | undefined;
  /** The address of a Prometheus that scrapes us; without it our own history is asked. */
  readonly prometheus?: string | undefined;
  readonly log: Logger;
  /** Gets a line for each step of the start. */
  readonly onProgress: (text: string) => void;
  readonly signal: AbortSignal;
}

/** A running platform. */
export interface Platform {
  readonly port: number;
  /** How functions are kept apart here, as a sentence. */
  readonly isolation: string;
  readonly credentials: { readonly user: string; readonly password: string };
  readonly metricsUrl: string;
  readonly gateway: GatewayClient;
  readonly records: Records;
  /** Stops everything, in the opposite order. */
  close(): Promise<void>;
}

const region = 'us-east-1';
const bucket = 'pipeline';

/**
 * Starts all parts of OpenFaaS Cloud on this machine and deploys the platform's functions.
 *
 * @throws CloudError `OFC_CONFIG` if the port is taken or the isolation does not work here; whatever
 * was started by then is stopped.
 */
export async function startPlatform(options: PlatformOptions): Promise<Platform> {
  const started: { close(): Promise<void> }[] = [];
  const close = async (): Promise<void> => {
    for (const part of started.reverse()) {
      await part.close().catch((error: unknown) => {
        options.log.warn('A part did not stop cleanly.', { error: errorMessage(error) });
      });
    }
    started.length = 0;
  };
  const keep = <T extends { close(): Promise<void> }>(part: T): T => {
    started.push(part);
    return part;
  };
  try {
    return { ...(await startParts(options, keep)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function startParts(
  options: PlatformOptions,
  keep: <T extends { close(): Promise<void> }>(part: T) => T,
): Promise<Omit<Platform, 'close'>> {
  const { root, data, log, onProgress, signal } = options;
  const folder = (name: string) => join(data, name);
  await mkdir(data, { recursive: true, mode: 0o700 });
  keep(await lockData(data));
  const secrets = await createSecretStore({ folder: folder('secrets') });
  const secret = await preparePlatformSecrets(secrets);
  await writeScmSecrets(secrets, options.scms?.secrets);
  if (options.customers !== undefined) {
    await secrets.update('customers', await readFile(options.customers));
  }

  const s3 = { region, accessKey: secret.s3AccessKey, secretKey: secret.s3SecretKey };
  const store = keep(
    await createS3Server({
      ...s3,
      folder: folder('objects'),
      log,
      port: await stablePort(folder('store-port')),
    }),
  );
  const credentials = registryCredentials(secret.registryPassword);
  const registry = keep(
    await createRegistry({ folder: folder('registry'), log, authorizePush: credentials.authorize }),
  );
  const registryClient = createRegistryClient({ credentials: () => credentials.client });
  const builder = keep(
    await createBuilder({
      folder: folder('builder'),
      payloadSecret: secret.payload,
      log,
      registry: registryClient,
      templateFolder: join(root, 'template', 'node-ts'),
      modulesSeed: await ownModules(root),
      npmEnvironment: npmEnvironment(),
      // It would double the time from push to live; on one machine the editor has said it before.
      typecheck: false,
      port: await stablePort(folder('builder-port')),
    }),
  );
  onProgress('object store, registry and builder run');

  const provider = keep(
    await createProcessProvider({
      folder: folder('provider'),
      images: createRegistryImages(registryClient),
      readSecret: (name, namespace) => secrets.in(namespace).read(name),
      isolation: options.isolation,
      idleMs: options.idleMs,
      log,
    }),
  );
  const metrics = createGatewayMetrics();
  const metricsServer = keep(await startMetrics(metrics, data));
  let port = options.port;
  const address = () => `http://127.0.0.1:${port}`;
  const auth = { user: secret.gatewayUser, password: secret.gatewayPassword };
  const version = { release: await releaseOf(root), sha: '' };
  const { isolation } = provider.info;
  const gateway: Gateway = keep(
    await createGateway({
      provider,
      secrets,
      metrics,
      log,
      folder: folder('gateway'),
      auth,
      version,
      startPage: () =>
        startPage({ port, isolation, release: version.release, functions: gateway.functions() }),
    }),
  );
  const git = keep(
    createGitServer({
      folder: folder('git'),
      basePath: '/git',
      publicUrl: () => `${address()}/git`,
      webhook: {
        url: () => `${address()}/github-event`,
        secret: secret.webhook,
        hostHeader: 'system.localhost',
      },
      app: {
        id: appId,
        publicKeyPem: secret.appPublicKey,
        clientId: oauthClientId,
        clientSecret: secret.oauthClientSecret,
        callbackUrl: () => `http://system.localhost:${port}/auth/callback`,
      },
      log,
    }),
  );
  port = keep(await listen(createEdge({ gateway, git, registry }), port)).port;
  onProgress(`gateway listens on ${address()}`);
  await gateway.start({ port });

  const environment = platformEnvironment(
    {
      port,
      storeUrl: store.url,
      builderUrl: builder.url,
      prometheusUrl: options.prometheus ?? metricsServer.url,
    },
    { validateCustomers: options.customers !== undefined, notes: notesOf(isolation, port) },
  );
  const client = createGatewayClient({ url: address(), credentials: auth });
  await deployPlatformFunctions({
    root,
    recordFile: folder('platform-functions.json'),
    registry: `127.0.0.1:${port}`,
    builder: { url: builder.url, payloadSecret: secret.payload },
    environment: { ...environment, ...options.scms?.environment },
    moreSecrets: options.scms?.moreSecrets,
    scms: ['github', ...(options.scms?.kinds ?? [])],
    deploy: client.deploy,
    onDeployed: (name, built) => onProgress(`${name} ${built ? 'built and deployed' : 'deployed'}`),
    signal,
  });
  keep(takeUpSoon(client, log));
  const records = createRecords(createS3ObjectStore({ ...s3, endpoint: store.url, bucket }));
  return {
    port,
    isolation,
    credentials: auth,
    metricsUrl: metricsServer.url,
    gateway: client,
    records,
  };
}

/** Longer than a claim outlives its holder: see `holdClaim`. */
const takeUpMs = 12_000;

/** Has garbage-collect take up what an earlier run left in the middle, before its schedule does. */
function takeUpSoon(client: GatewayClient, log: Logger): { close(): Promise<void> } {
  const timer = setTimeout(() => {
    client.invokeAsync('garbage-collect', '').catch((error: unknown) => {
      log.warn('No sweep after the start.', { error: errorMessage(error) });
    });
  }, takeUpMs);
  return { close: async () => clearTimeout(timer) };
}

/** Listens on loopback; a port that is taken is said in one line. */
async function listen(
  server: ReturnType<typeof createEdge>,
  port: number,
): Promise<{ port: number; close(): Promise<void> }> {
  const listening = once(server, 'listening');
  server.listen(port, '127.0.0.1');
  try {
    await listening;
  } catch (error) {
    throw new CloudError('OFC_CONFIG', `Port ${port} cannot be used: ${errorMessage(error)}.`, {
      hint: 'Stop what uses it, or choose another one with --port.',
    });
  }
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeIdleConnections();
      setTimeout(() => server.closeAllConnections(), 1000).unref();
      await closed;
    },
  };
}

/** Our own dependencies serve every function that has our lock file: the platform's. */
async function ownModules(root: string): Promise<{ lockDigest: string; folder: string }> {
  const lock = await readFile(join(root, 'package-lock.json'));
  const lockDigest = `sha256:${createHash('sha256').update(lock).digest('hex')}`;
  return { lockDigest, folder: join(root, 'node_modules') };
}

async function releaseOf(root: string): Promise<string> {
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
    version: string;
  };
  return version;
}

function notesOf(isolation: string, port: number): string[] {
  return [
    'Everything runs on this machine and is reachable from this machine only.',
    isolation,
    `Push to http://127.0.0.1:${port}/git/<owner>/<repo>.git; repos and checks: http://127.0.0.1:${port}/git/`,
    `The gateway for faas-cli is http://127.0.0.1:${port}.`,
  ];
}
