import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CloudError, errorMessage } from '#shared/errors.ts';

/** Listens on loopback; a port that is taken is said in one line. */
export async function listen(
  server: Server,
  port: number,
): Promise<{ port: number; close(): Promise<void> }> {
  const listening = once(server, 'listening');
  server.listen(port, '127.0.0.1');
  try {
    await listening;
  } catch (error) {
    throw new CloudError('OFC_CONFIG', `Port ${port} cannot be used: ${errorMessage(error)}.`, {
      hint: 'Stop what uses it, such as another npm start, or choose another one with --port.',
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
