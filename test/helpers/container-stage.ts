import { request } from 'node:http';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pack } from 'tar-stream';
import { createLogger } from '#shared/log.ts';
import { parseImageReference } from '#shared/registry/image-reference.ts';
import { createRegistryClient } from '#shared/registry/registry-client.ts';
import { connectEngine } from '../../local/provider/container-engine.ts';
import {
  type ContainerProviderOptions,
  createContainerProvider,
} from '../../local/provider/container-provider.ts';
import type { Provider } from '../../local/provider/provider.ts';
import { makeShellBase, shellBase } from './base-images.ts';
import { type ContainerRegistry, startContainerRegistry } from './container-registry.ts';
import type { ContainerEngineProcess } from './docker-engine.ts';
import { progressEnds } from './engine-progress.ts';
import { tempDir } from './temp-dir.ts';

/** An engine and a registry with functions in shell, and providers on them. */
export interface ContainerStage<Engine extends ContainerEngineProcess = ContainerEngineProcess> {
  readonly engine: Engine;
  readonly registry: ContainerRegistry;
  readonly secrets: Map<string, string>;
  /** Builds an image on the shell base, pushes it and removes it from the engine. @returns Its name with the digest. */
  publish(name: string, dockerfile: string): Promise<string>;
  provider(options?: Partial<ContainerProviderOptions>): Promise<Provider>;
  close(): Promise<void>;
}

/** Builds a {@link ContainerStage}. */
export async function containerStage<Engine extends ContainerEngineProcess>(
  startEngine: () => Promise<Engine>,
): Promise<ContainerStage<Engine>> {
  const folder = await tempDir();
  const engine = await startEngine();
  const registry = await startContainerRegistry();
  const { docker } = engine;
  await makeShellBase(docker);
  const secrets = new Map<string, string>();
  const opened: Provider[] = [];
  const { username, password } = registry;
  const client = createRegistryClient({ credentials: () => ({ username, password }) });
  return {
    engine,
    registry,
    secrets,
    async publish(name, dockerfile) {
      const context = pack();
      context.entry({ name: 'Dockerfile' }, `FROM ${shellBase}\n${dockerfile}\n`);
      context.finalize();
      const repo = `${registry.address}/test/${name}`;
      const built = await docker.buildImage(context.pipe(new PassThrough()), { t: `${repo}:1` });
      await progressEnds(docker, built);
      const authconfig = { username, password, serveraddress: registry.address };
      await progressEnds(docker, await docker.getImage(`${repo}:1`).push({ authconfig }));
      await docker.getImage(`${repo}:1`).remove();
      const digest = await client.manifestDigest(parseImageReference(`${repo}:1`));
      return `${repo}@${digest}`;
    },
    async provider(settings = {}) {
      const provider = await createContainerProvider({
        folder: join(folder.path, settings.platform ?? 'test'),
        engine: await connectEngine(engine.socketPath),
        platform: 'test',
        readSecret: async (name) => {
          const value = secrets.get(name);
          return value === undefined ? undefined : Buffer.from(value);
        },
        log: createLogger({}, () => undefined),
        credentials: (host) => (host === registry.address ? { username, password } : undefined),
        graceMs: 1000,
        ...settings,
      });
      opened.push(provider);
      return provider;
    },
    async close() {
      await Promise.all(opened.map((provider) => provider.close()));
      await registry.stop();
      await engine.stop();
      await folder.remove();
    },
  };
}

/** Has a function whose process is `sh` run commands, and gives what they print. */
export async function ask(provider: Provider, service: string, commands: string): Promise<string> {
  const { endpoint, release } = await provider.acquire(service);
  try {
    return await new Promise<string>((resolve, reject) => {
      const headers = { 'content-length': commands.length };
      const asked = request({ ...endpoint, method: 'POST', agent: false, headers }, (response) => {
        text(response).then(resolve, reject);
      });
      asked.on('error', reject).end(commands);
    });
  } finally {
    release();
  }
}
