import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { expect } from 'chai';
import type { Builder } from '#shared/builder/builder.ts';
import { createBuildkitBuilder } from '#shared/buildkit/buildkit-builder.ts';
import { createDaemon, type Daemon } from '#shared/buildkit/daemon.ts';
import { parseDaemonAddress } from '#shared/buildkit/daemon-address.ts';
import { parseDockerConfig } from '#shared/buildkit/docker-config.ts';
import { createLogger } from '#shared/log.ts';
import { parseImageReference, withDigest } from '#shared/registry/image-reference.ts';
import { createRegistryClient } from '#shared/registry/registry-client.ts';
import { defaultSourceLimits } from '#shared/shrinkwrap/limits.ts';
import type { StackFunction } from '#shared/stack-file/stack-file.ts';
import { connectEngine } from '../../../local/provider/container-engine.ts';
import { createContainerProvider } from '../../../local/provider/container-provider.ts';
import type { Provider } from '../../../local/provider/provider.ts';
import { makeNodeBase } from '../../helpers/base-images.ts';
import {
  type ContainerRegistry,
  startContainerRegistry,
} from '../../helpers/container-registry.ts';
import { type DockerEngine, startDockerEngine } from '../../helpers/docker-engine.ts';
import { describeWith } from '../../helpers/needs-part.ts';
import {
  operatedEnvironment,
  platformStack,
  writePlatformSecrets,
} from '../../helpers/platform-environment.ts';
import { packFunctionContext } from '../../helpers/platform-function.ts';
import { tempDir } from '../../helpers/temp-dir.ts';
import { call, specOf } from '../../local/provider/calls.ts';

const stack = platformStack();
const megabyte = 1e6;

interface Built {
  /** By digest. */
  readonly image: string;
  /** Compressed bytes of the layers, the base's one first. */
  readonly layers: readonly number[];
}

describeWith(
  ['docker', 'docker-registry', 'busybox'],
  'images of the platform’s functions, built by BuildKit',
  function () {
    this.timeout(600_000);
    let folder: Awaited<ReturnType<typeof tempDir>>;
    let engine: DockerEngine;
    let registry: ContainerRegistry;
    let daemon: Daemon;
    let builder: Builder;
    let provider: Provider;
    const images = new Map<string, Promise<Built>>();
    const starts: number[] = [];
    const report: string[] = [];

    before(async () => {
      folder = await tempDir();
      [engine, registry] = await Promise.all([startDockerEngine(), startContainerRegistry()]);
      await makeNodeBase(engine.docker);
      const secrets = join(folder.path, 'secrets');
      await mkdir(secrets);
      await writePlatformSecrets(secrets);
      daemon = createDaemon(parseDaemonAddress(`docker://${engine.socketPath}`));
      builder = createBuildkitBuilder({
        daemons: [daemon],
        logins: parseDockerConfig(registry.dockerConfig),
        policy: { cache: 'none', provenance: 'none', sbom: 'none', platforms: [] },
        limits: defaultSourceLimits,
        frontends: [],
        waitMs: 10_000,
      });
      const { username, password } = registry;
      provider = await createContainerProvider({
        engine: await connectEngine(engine.socketPath),
        folder: join(folder.path, 'containers'),
        platform: 'images',
        credentials: () => ({ username, password }),
        readSecret: (name) => readFile(join(secrets, name)).catch(() => undefined),
        graceMs: 1000,
        log: createLogger({}, () => undefined),
      });
      // Two at a time; each test waits for its own.
      const lanes: Promise<unknown>[] = [];
      for (const [index, fn] of stack.functions.entries()) {
        const built = Promise.resolve(lanes[index % 2]).then(() => build(fn));
        lanes[index % 2] = built.catch(() => undefined);
        images.set(fn.key, built);
      }
    });
    after(async () => {
      await Promise.allSettled(images.values());
      await provider?.close();
      await daemon?.close();
      await registry?.stop();
      await engine?.stop();
      await folder?.remove();
      starts.sort((a, b) => a - b);
      report.push(`median: listens after ${starts[Math.floor(starts.length / 2)]} ms`);
      for (const line of report) console.log(`      ${line}`);
    });

    /** Builds and pushes a function from the context that faas-cli would send. */
    const build = async (fn: StackFunction): Promise<Built> => {
      const { tar } = await packFunctionContext(stack, fn);
      const name = `${registry.address}/openfaas-cloud/ofc-${fn.key}:latest`;
      const lines: string[] = [];
      const { digest = '' } = await builder
        .build({
          context: { open: async () => Readable.from([tar]) },
          image: name,
          scope: 'openfaas-cloud',
          buildArgs: fn.buildArgs,
          onLog: (line) => lines.push(line),
          signal: AbortSignal.timeout(580_000),
        })
        .catch((error: unknown) => {
          throw new Error(lines.slice(-30).join('\n'), { cause: error });
        });
      const { username, password } = registry;
      const client = createRegistryClient({ credentials: () => ({ username, password }) });
      const manifest = await client.pullManifest(withDigest(parseImageReference(name), digest));
      const { layers } = JSON.parse(String(manifest?.body)) as { layers: { size: number }[] };
      return { image: `${name}@${digest}`, layers: layers.map(({ size }) => size) };
    };

    /** From the start of the container's process to its first line, which says that it listens. */
    const listeningMs = async (service: string): Promise<number> => {
      const label = [`com.openfaas.cloud.function=${service}`];
      const [found] = await engine.docker.listContainers({ filters: { label } });
      const { State } = await engine.docker.getContainer(found?.Id ?? '').inspect();
      const signal = AbortSignal.timeout(10_000);
      for await (const { text, timestamp } of provider.logs({
        id: service,
        follow: true,
        signal,
      })) {
        if (text.includes('"listening"')) {
          return Date.parse(timestamp) - Date.parse(State.StartedAt);
        }
      }
      throw new Error(`${service} does not say that it listens.`);
    };

    for (const fn of stack.functions) {
      it(`${fn.key} is built, and small`, async () => {
        const { layers } = await (images.get(fn.key) ?? build(fn));
        const [base = 0, ...own] = layers;
        const added = own.reduce((sum, size) => sum + size, 0);
        const [mb, total] = [added, base + added].map((size) => (size / megabyte).toFixed(2));
        report.push(`${fn.key}: ${mb} of ${total} MB compressed`);
        expect(added, 'what the function adds to its base').to.be.below(5 * megabyte);
        expect(base + added).to.be.below(60 * megabyte);
      });
    }

    // Once nothing is built any more, so that the times say something.
    for (const fn of stack.functions) {
      it(`${fn.key} starts and answers`, async () => {
        const { image } = await (images.get(fn.key) ?? build(fn));
        await provider.deploy(
          specOf(fn.key, {
            image,
            secrets: [...fn.secrets],
            envVars: operatedEnvironment(fn),
            limits: fn.limits,
            readOnlyRootFilesystem: fn.readOnlyRootFilesystem,
          }),
        );
        try {
          expect(await call(provider, fn.key, '/_/health')).to.equal('OK');
          const ms = await listeningMs(fn.key);
          starts.push(ms);
          report.push(`${fn.key}: listens after ${ms} ms`);
        } finally {
          await provider.remove(fn.key);
        }
      });
    }
  },
);
