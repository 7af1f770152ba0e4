import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A socket of our own behind which Docker Engine's BuildKit speaks gRPC. */
export interface DockerBridge {
  readonly path: string;
  close(): Promise<void>;
}

/**
 * Docker Engine speaks gRPC on a connection that was upgraded by `POST /grpc`, and grpc-js cannot take
 * a ready connection. So it gets a socket in a folder that only this process may enter, and each
 * connection to it is joined to one that was upgraded.
 *
 * @param dockerSocket The path of Docker Engine's socket.
 */
export async function openDockerBridge(dockerSocket: string): Promise<DockerBridge> {
  const folder = await mkdtemp(join(tmpdir(), 'buildkit-')); // mode 0700
  const path = join(folder, 'grpc.sock');
  const open = new Set<Socket>();
  const keep = (socket: Socket): void => {
    open.add(socket);
    socket.on('close', () => open.delete(socket)).on('error', () => socket.destroy());
  };
  const server = createServer((socket) => {
    keep(socket);
    const upgrade = request({
      socketPath: dockerSocket,
      method: 'POST',
      path: '/grpc',
      headers: { host: 'docker', connection: 'Upgrade', upgrade: 'h2c' },
    });
    upgrade.on('upgrade', (_, engine: Socket, head) => {
      keep(engine);
      engine.on('close', () => socket.destroy());
      socket.on('close', () => engine.destroy());
      if (head.length > 0) socket.write(head);
      engine.pipe(socket);
      socket.pipe(engine);
    });
    upgrade.on('response', () => socket.destroy());
    upgrade.on('error', () => socket.destroy());
    upgrade.end();
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(path, resolve);
  });
  return {
    path,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of open) socket.destroy();
      await closed;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
