import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';

/**
 * A free loopback port that stays the same from one start to the next, where nobody else took it:
 * functions are told of it in their environment, and one that changes restarts them.
 *
 * @param file Remembers the port.
 */
export async function stablePort(file: string): Promise<number> {
  const remembered = Number(await readFile(file, 'utf8').catch(() => '0'));
  const port = (await probe(remembered)) ?? (await probe(0)) ?? 0;
  if (port !== remembered) await writeFile(file, String(port));
  return port;
}

async function probe(port: number): Promise<number | undefined> {
  const server = createServer();
  try {
    server.listen(Number.isInteger(port) && port < 65_536 ? port : 0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  } catch {
    return undefined;
  } finally {
    server.close();
  }
}
