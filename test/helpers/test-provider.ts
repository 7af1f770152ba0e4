import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { CloudError } from '#shared/errors.ts';
import {
  type FunctionSpec,
  functionId,
  type LogLine,
  type Provider,
} from '../../local/provider/provider.ts';

/** What an image does, in a test. */
export interface TestImage {
  readonly handle: RequestListener;
  readonly upgrade?: (
    request: Parameters<RequestListener>[0],
    socket: Duplex,
    head: Buffer,
  ) => void;
}

/** A provider whose functions are HTTP servers of the test's own process, on unix domain sockets. */
export interface TestProvider extends Provider {
  /** How often replicas of a function were started. */
  starts(service: string): number;
  /** Leases that were not given back. */
  leases(service: string): number;
  /** Writes a line to a function's log. */
  print(service: string, text: string, instance?: string): void;
  /** Ends a function's replica without the provider's noticing, as a crash does. */
  crash(service: string): Promise<void>;
}

interface Running {
  spec: FunctionSpec;
  replicas: number;
  starts: number;
  leases: number;
  server: Server | undefined;
  starting: Promise<Server> | undefined;
  lines: LogLine[];
}

/** Makes a {@link TestProvider}; `folder` holds the sockets. */
export function createTestProvider(
  folder: string,
  images: Readonly<Record<string, TestImage>>,
): TestProvider {
  const functions = new Map<string, Running>();
  let sockets = 0;
  let wake: (() => void)[] = [];

  const known = (service: string): Running => {
    const found = functions.get(service);
    if (found === undefined) throw new CloudError('OFC_NOT_FOUND', `no function ${service}`);
    return found;
  };
  const start = (running: Running): Promise<Server> => {
    running.starting ??= (async () => {
      running.starts++;
      const image = images[running.spec.image];
      if (image === undefined) throw new CloudError('OFC_UPSTREAM', 'the image is gone');
      const server = createServer(image.handle);
      if (image.upgrade !== undefined) server.on('upgrade', image.upgrade);
      server.listen(join(folder, `${++sockets}.sock`));
      await once(server, 'listening');
      running.server = server;
      running.replicas = Math.max(1, running.replicas);
      return server;
    })().finally(() => {
      running.starting = undefined;
    });
    return running.starting;
  };
  const stop = async (running: Running): Promise<void> => {
    const { server } = running;
    running.server = undefined;
    if (server === undefined) return;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  };

  return {
    info: { name: 'test', orchestration: 'test', isolation: 'none' },
    async deploy(spec, { start: atOnce = true } = {}) {
      if (images[spec.image] === undefined) {
        throw new CloudError('OFC_DEPLOY_FAILED', `The image "${spec.image}" was not found.`);
      }
      const before = functions.get(functionId(spec));
      const running: Running = before ?? {
        spec,
        replicas: 0,
        starts: 0,
        leases: 0,
        server: undefined,
        starting: undefined,
        lines: [],
      };
      const changed = running.spec.image !== spec.image;
      running.spec = spec;
      functions.set(functionId(spec), running);
      if (changed) await stop(running);
      if (atOnce && running.server === undefined) await start(running);
    },
    async remove(service) {
      const running = known(service);
      functions.delete(service);
      await stop(running);
    },
    async scale(service, replicas) {
      const running = known(service);
      running.replicas = replicas;
      if (replicas === 0) await stop(running);
      else if (running.server === undefined) await start(running);
    },
    status(service) {
      const running = functions.get(service);
      if (running === undefined) return undefined;
      return {
        replicas: running.replicas,
        availableReplicas: running.server === undefined ? 0 : running.replicas,
        usage: { cpu: 1, totalMemoryBytes: 1024 },
      };
    },
    async acquire(service) {
      const running = known(service);
      const server = running.server ?? (await start(running));
      running.leases++;
      let held = true;
      return {
        endpoint: { socketPath: String(server.address()) },
        release() {
          if (held) running.leases--;
          held = false;
        },
      };
    },
    async *logs({ id, since, tail, follow, signal }) {
      const { lines } = known(id);
      const recent = lines.filter(
        ({ timestamp }) => since === undefined || new Date(timestamp) >= since,
      );
      let next = lines.length;
      yield* tail === undefined ? recent : recent.slice(-tail);
      while (follow && !signal.aborted) {
        if (next < lines.length) yield lines[next++] as LogLine;
        else {
          await new Promise<void>((resolve) => {
            wake.push(resolve);
            signal.addEventListener('abort', () => resolve(), { once: true });
          });
        }
      }
    },
    async close() {
      await Promise.all([...functions.values()].map(stop));
      functions.clear();
    },
    starts: (service) => functions.get(service)?.starts ?? 0,
    leases: (service) => functions.get(service)?.leases ?? 0,
    print(service, text, instance = `${service}-1`) {
      const timestamp = new Date().toISOString();
      known(service).lines.push({
        name: service,
        namespace: 'openfaas-fn',
        instance,
        timestamp,
        text,
      });
      for (const resolve of wake.splice(0)) resolve();
      wake = [];
    },
    async crash(service) {
      const { server } = known(service);
      server?.close();
      server?.closeAllConnections();
    },
  };
}
