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
import { makeNodeBase, nodeBase } from '../../helpers/base-images.ts';
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

/** Milliseconds from the start of a container's process. */
interface Start {
  /** Until it listens, by its own clock. */
  readonly own: number;
  /** Until its line that says so is here. */
  readonly heard: number;
  /** Of the CPU. */
  readonly cpu: number;
}

const median = (values: readonly number[]): number | undefined =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

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
    const starts: Start[] = [];
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
      const bares: number[] = [];
      for (let count = 0; count < 5 && starts.length > 0; count += 1) bares.push(await bareStart());
      const bare = median(bares);
      await provider?.close();
      await daemon?.close();
      await registry?.stop();
      await engine?.stop();
      await folder?.remove();
      const own = median(starts.map((start) => start.own));
      const heard = median(starts.map((start) => start.heard));
      const cpu = median(starts.map((start) => start.cpu));
      report.push(`median: listens after ${own} ms (heard of after ${heard}, CPU ${cpu})`);
      report.push(`a bare Node server in such a container: ${bare} ms, median of five`);
      for (const line of report) console.log(`      ${line}`);
    });

    /** From the start of a container's process until a server of nothing but Node listens in it. */
    const bareStart = async (): Promise<number> => {
      const script = `require('node:http').createServer().listen(0, () => {
        console.log(new Date().toISOString()); process.exit(); })`;
      const command = { Image: nodeBase, Cmd: ['node', '--eval', script], Tty: true };
      const container = await engine.docker.createContainer(command);
      await container.start();
      await container.wait();
      const { State } = await container.inspect();
      const time = String(await container.logs({ stdout: true })).trim();
      await container.remove();
      return Date.parse(time) - Date.parse(State.StartedAt);
    };

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

    /**
     * From the start of the container's process to its first line, which says that it listens: by the clock of
     * the Node process alone, until the line is here, and what of the CPU it took until now.
     */
    const listeningMs = async (service: string) => {
      const label = [`com.openfaas.cloud.function=${service}`];
      const [found] = await engine.docker.listContainers({ filters: { label } });
      const container = engine.docker.getContainer(found?.Id ?? '');
      const { State } = await container.inspect();
      const since = (time: string) => Date.parse(time) - Date.parse(State.StartedAt);
      const signal = AbortSignal.timeout(10_000);
      for await (const { text, timestamp } of provider.logs({
        id: service,
        follow: true,
        signal,
      })) {
        if (text.includes('"listening"')) {
          const { cpu_stats: used } = await container.stats({ stream: false, 'one-shot': true });
          const cpu = Math.round(used.cpu_usage.total_usage / 1e6);
          const { time } = JSON.parse(text) as { time: string };
          return { own: since(time), heard: since(timestamp), cpu };
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
          const { own, heard, cpu } = await listeningMs(fn.key);
          starts.push({ own, heard, cpu });
          report.push(`${fn.key}: listens after ${own} ms (heard of after ${heard}, CPU ${cpu})`);
        } finally {
          await provider.remove(fn.key);
        }
      });
    }
  },
);
