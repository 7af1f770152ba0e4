import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorMessage } from '#shared/errors.ts';
import { createGatewayClient, type GatewayClient } from '#shared/gateway/gateway-client.ts';
import type { Logger } from '#shared/log.ts';
import { createS3ObjectStore } from '#shared/object-store/s3-object-store.ts';
import { createRecords, type Records } from '#shared/pipeline/records.ts';
import { isPlatformFunction } from '#shared/platform-names.ts';
import { createRegistryClient } from '#shared/registry/registry-client.ts';
import type { ScmKind } from '#shared/scm/scm-id.ts';
import { createBuilder } from '../builder/builder-server.ts';
import { createGateway, type Gateway } from '../gateway/gateway.ts';
import { createGitServer } from '../git-server/git-server.ts';
import { createGatewayMetrics } from '../metrics/gateway-metrics.ts';
import { createS3Server } from '../object-store/s3-server.ts';
import { createProcessProvider } from '../provider/process-provider.ts';
import { defaultNamespace, functionId } from '../provider/provider.ts';
import { createRegistryImages } from '../provider/registry-images.ts';
import type { ReadSecret } from '../provider/replica-folders.ts';
import type { Isolation } from '../provider/sandbox.ts';
import { createSplitProvider } from '../provider/split-provider.ts';
import { createRegistry } from '../registry/registry.ts';
import { createSecretStore } from '../secrets/secret-store.ts';
import { awaitPage } from './await-page.ts';
import { chooseEngine, type EngineChoice } from './choose-engine.ts';
import { lockData } from './data-lock.ts';
import { createEdge } from './edge.ts';
import { listen } from './listen.ts';
import { type MoreScms, writeScmSecrets } from './more-scms.ts';
import { npmEnvironment } from './npm-environment.ts';
import { releaseOf } from './own-project.ts';
import { appId, oauthClientId, platformEnvironment } from './platform-environment.ts';
import { deployPlatformFunctions } from './platform-functions.ts';
import { preparePlatformSecrets } from './platform-secrets.ts';
import { registryCredentials } from './registry-credentials.ts';
import { stablePort } from './stable-port.ts';
import { startContainers, type UsersRegistry } from './start-containers.ts';
import { startMetrics } from './start-metrics.ts';
import { notesOf, startPage } from './start-page.ts';
import { takeUpSoon } from './take-up-soon.ts';
import { warmUp } from './warm-up.ts';

/** What `npm start` can be told. */
export interface PlatformOptions {
  /** The project's root folder. */
  readonly root: string;
  /** Where all state is kept. */
  readonly data: string;
  /** The port on 127.0.0.1; 0 takes a free one. */
  readonly port: number;
  readonly isolation: Isolation;
  /** What runs users' functions. */
  readonly engine: EngineChoice;
  /** Where users' images go instead of the embedded registry, if functions are containers. */
  readonly registry?: UsersRegistry | undefined;
  /** `custom_templates` of git-tar, if functions are containers; none otherwise. */
  readonly templates?: string | undefined;
  /** What images are built for, if functions are containers; the engine's own if there are none. */
  readonly platforms?: readonly string[] | undefined;
  /** How long a function runs without requests before it is stopped, in milliseconds. */
  readonly idleMs: number;
  /** Who runs the platform: the variable `operators`; nobody without. */
  readonly operators?: string | undefined;
  readonly scms?: MoreScms;
  /** A list of owners who may deploy; without it everybody on this machine may. */
  readonly customers?: string | undefined;
  /** The address of a Prometheus that scrapes us; without it our own history is asked. */
  readonly prometheus?: string | undefined;
  /** A collector for traces. */
  readonly otlp?: string | undefined;
  /** As in `notification_allow`. */
  readonly notify?: string | undefined;
  /** An S3 store instead of our own; its keys are the secrets s3-access-key and s3-secret-key. */
  readonly s3?: string | undefined;
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
  /** How many functions run now. */
  running(): number;
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
  const chosen = await chooseEngine(options.engine, {
    data,
    dockerHost: process.env['DOCKER_HOST'],
  });
  const secrets = await createSecretStore({ folder: folder('secrets') });
  const secret = await preparePlatformSecrets(secrets);
  await writeScmSecrets(secrets, options.scms?.secrets);
  if (options.customers !== undefined) {
    await secrets.update('customers', await readFile(options.customers));
  }

  const s3 = { region, accessKey: secret.s3AccessKey, secretKey: secret.s3SecretKey };
  const ownStore = async () => {
    const port = await stablePort(folder('store-port'));
    return keep(await createS3Server({ ...s3, folder: folder('objects'), log, port })).url;
  };
  const storeUrl = options.s3 ?? (await ownStore());
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
      npmEnvironment: npmEnvironment(),
      // It would double the time from push to live; on one machine the editor has said it before.
      typecheck: false,
      port: await stablePort(folder('builder-port')),
    }),
  );
  onProgress('object store, registry and builder run');

  const readSecret: ReadSecret = (name, namespace) => secrets.in(namespace).read(name);
  const { idleMs } = options;
  const processes = keep(
    await createProcessProvider({
      folder: folder('provider'),
      images: createRegistryImages(registryClient),
      isolation: options.isolation,
      ...{ readSecret, idleMs, log },
      hasMetrics: ({ service, namespace }) =>
        namespace === defaultNamespace && isPlatformFunction(service),
    }),
  );
  const { engine, reason } = chosen;
  const containers =
    engine &&
    keep(
      await startContainers({
        ...{ engine, data, root, registry, registryClient, readSecret, idleMs, log },
        pushLogin: credentials.client,
        otherRegistry: options.registry,
        templates: options.templates ?? 'none',
        platforms: options.platforms ?? [],
        payloadSecret: secret.payload,
      }),
    );
  const isolation = `${(containers?.provider ?? processes).info.isolation} (Engine ${engine ? 'docker' : 'process'}: ${reason}.)`;
  const provider =
    containers === undefined
      ? processes
      : createSplitProvider(processes, containers.provider, {
          isFirst: isPlatformFunction,
          isolation,
        });
  const metrics = createGatewayMetrics();
  const metricsServer = keep(await startMetrics(metrics, data, processes.metricsSources));
  let port = options.port;
  const address = () => `http://127.0.0.1:${port}`;
  const auth = { user: secret.gatewayUser, password: secret.gatewayPassword };
  const version = { release: await releaseOf(root), sha: '' };
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

  const environment = {
    ...platformEnvironment(
      {
        port,
        storeUrl,
        builderUrl: builder.url,
        prometheusUrl: options.prometheus ?? metricsServer.url,
      },
      { validateCustomers: options.customers !== undefined, notes: notesOf(isolation, port) },
    ),
    OTEL_EXPORTER_OTLP_ENDPOINT: options.otlp ?? '',
    notification_allow: options.notify ?? '',
    ...containers?.environment,
  };
  const client = createGatewayClient({ url: address(), credentials: auth });
  const scms: ScmKind[] = ['github', ...(options.scms?.kinds ?? [])];
  await deployPlatformFunctions({
    root,
    recordFile: folder('platform-functions.json'),
    registry: `127.0.0.1:${port}`,
    registryClient,
    environment: {
      ...environment,
      operators: options.operators ?? '',
      scms: scms.join(','),
      ...options.scms?.environment,
    },
    moreSecrets: options.scms?.moreSecrets,
    scms,
    deploy: gateway.ensure,
    onDeployed: (name, built) => onProgress(`${name} ${built ? 'built and deployed' : 'deployed'}`),
    signal,
  });
  keep(takeUpSoon(client, log));
  keep(warmUp(provider, log));
  await awaitPage(port, signal);
  const records = createRecords(createS3ObjectStore({ ...s3, endpoint: storeUrl, bucket }));
  return {
    port,
    isolation,
    credentials: auth,
    metricsUrl: metricsServer.url,
    gateway: client,
    records,
    running: () =>
      gateway.functions().filter((spec) => (provider.status(functionId(spec))?.replicas ?? 0) > 0)
        .length,
  };
}
