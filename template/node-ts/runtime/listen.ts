import { lstatSync, unlinkSync } from 'node:fs';
import type { Server } from 'node:net';

/**
 * Listens on a port, or on a Unix socket, which may be left over from a process that was killed.
 *
 * @returns What it listens on, for the log.
 * @throws Error if the address is taken or not allowed.
 */
export function listen(server: Server, where: number | string, host?: string): Promise<string> {
  if (typeof where === 'string') removeSocket(where);
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

function removeSocket(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket()) unlinkSync(path);
}
