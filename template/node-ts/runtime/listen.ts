import { lstatSync, unlinkSync } from 'node:fs';
import type { Server } from 'node:net';

/**
 * Listens on a port, or on a Unix socket.
 *
 * @returns What it listens on, for the log.
 * @throws Error if the address is taken or not allowed.
 */
export function listen(server: Server, where: number | string, host?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    const options = typeof where === 'string' ? { path: where } : { port: where, host };
    server.listen(options, () => {
      server.off('error', reject);
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? `${address.port}` : String(where));
    });
  });
}

/** Removes a Unix socket that a killed process left behind. */
export function removeSocket(where: number | string): void {
  if (typeof where !== 'string') return;
  if (lstatSync(where, { throwIfNoEntry: false })?.isSocket()) unlinkSync(where);
}
