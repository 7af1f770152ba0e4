import { once } from '../once.ts';
import type { DaemonAddress } from './daemon-address.ts';
import { createDaemonClient, type DaemonClient, type DaemonTls } from './daemon-client.ts';
import type { DaemonAbilities } from './solve-request.ts';

/** A daemon that builds can be sent to. */
export interface Daemon {
  readonly url: string;
  client(): Promise<DaemonClient>;
  /** Asks what it can do; fails if it does not answer within `timeoutMs`. */
  abilities(timeoutMs: number): Promise<DaemonAbilities>;
  close(): Promise<void>;
}

/** Makes a {@link Daemon}; it is connected to when it is first used. */
export function createDaemon(address: DaemonAddress, tls?: DaemonTls): Daemon {
  const client = once(() => createDaemonClient(address, tls));
  let used = false;
  return {
    url: address.url,
    client() {
      used = true;
      return client();
    },
    async abilities(timeoutMs) {
      used = true;
      const { record } = await (await client()).listWorkers(timeoutMs);
      const [worker] = record;
      if (worker === undefined) throw new Error('it has no worker');
      // Docker Engine's own image store has no snapshotter to name.
      const snapshotter = Object.keys(worker.Labels).some((name) => name.endsWith('.snapshotter'));
      return {
        engineSocket: address.kind === 'docker' && !snapshotter ? address.path : undefined,
        // Both came with 0.11.
        attestations: worker.BuildkitVersion !== undefined,
      };
    },
    close: async () => {
      if (used) await (await client()).close();
    },
  };
}
