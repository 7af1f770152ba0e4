import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { createBuildkitBuilder } from '#shared/buildkit/buildkit-builder.ts';
import { createDaemon } from '#shared/buildkit/daemon.ts';
import { parseDaemonAddress } from '#shared/buildkit/daemon-address.ts';
import type { RegistryLogin } from '#shared/buildkit/docker-config.ts';
import type { Logger } from '#shared/log.ts';
import type { RegistryClient } from '#shared/registry/registry-client.ts';
import { defaultSourceLimits } from '#shared/shrinkwrap/limits.ts';
import { createBuilder } from '../builder/builder-server.ts';
import type { ContainerEngine } from '../provider/container-engine.ts';
import { createContainerProvider } from '../provider/container-provider.ts';
import type { Provider } from '../provider/provider.ts';
import type { ReadSecret } from '../provider/replica-folders.ts';
import type { Registry } from '../registry/registry.ts';
import { listen } from './listen.ts';
import { stablePort } from './stable-port.ts';

/** What running users' functions in containers needs. */
export interface ContainerParts {
  readonly engine: ContainerEngine;
  readonly data: string;
  readonly root: string;
  /** The embedded registry, its client, and who may push there. */
  readonly registry: Registry;
  readonly registryClient: RegistryClient;
  readonly pushLogin: { readonly username: string; readonly password: string };
  /** Another registry for users' images, with the logins it takes. */
  readonly otherRegistry: UsersRegistry | undefined;
  readonly payloadSecret: string;
  /** Template repos, as `custom_templates` has them. */
  readonly templates: string;
  readonly platforms: readonly string[];
  readonly readSecret: ReadSecret;
  readonly idleMs: number;
  readonly log: Logger;
}

/** A registry outside of the platform. */
export interface UsersRegistry {
  /** Host, and a path if need be. */
  readonly url: string;
  readonly logins: ReadonlyMap<string, RegistryLogin>;
}

/** Users' functions in containers. */
export interface Containers {
  readonly provider: Provider;
  /** What platform functions must be told: who builds, and where images lie. */
  readonly environment: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/**
 * Starts what builds and runs users' functions by a container engine: a builder on the engine's BuildKit,
 * the embedded registry on a port of its own, so that the engine reaches it, and the provider.
 */
export async function startContainers(parts: ContainerParts): Promise<Containers> {
  const { engine, data, log, pushLogin, otherRegistry } = parts;
  const server = createServer((request, response) => parts.registry.handle(request, response));
  const registry = await listen(server, await stablePort(join(data, 'registry-port')));
  const address = `127.0.0.1:${registry.port}`;
  const own = { username: pushLogin.username, secret: pushLogin.password };
  const logins = new Map([...(otherRegistry?.logins ?? []), [address, own]]);
  const daemon = createDaemon(parseDaemonAddress(`docker://${engine.socketPath}`));
  const builder = await createBuilder({
    folder: join(data, 'engine-builder'),
    payloadSecret: parts.payloadSecret,
    log,
    registry: parts.registryClient,
    templateFolder: join(parts.root, 'template', 'node-ts'),
    port: await stablePort(join(data, 'engine-builder-port')),
    backend: createBuildkitBuilder({
      daemons: [daemon],
      logins,
      policy: { cache: 'none', provenance: 'none', sbom: 'none', platforms: parts.platforms },
      limits: defaultSourceLimits,
      frontends: [],
      waitMs: 60_000,
    }),
  });
  const provider = await createContainerProvider({
    engine,
    folder: join(data, 'containers'),
    platform: createHash('sha256').update(data).digest('hex').slice(0, 8),
    credentials: (host) => {
      const login = logins.get(host);
      return login && { username: login.username, password: login.secret };
    },
    readSecret: parts.readSecret,
    idleMs: parts.idleMs,
    log,
  });
  const images = otherRegistry?.url ?? address;
  return {
    provider,
    environment: {
      builder_url: builder.url,
      repository_url: images,
      push_repository_url: images,
      // What a Dockerfile does happens in a container too.
      enable_dockerfile_lang: 'true',
      custom_templates: parts.templates,
    },
    async close() {
      await provider.close();
      await builder.close();
      await daemon.close();
      await registry.close();
    },
  };
}
