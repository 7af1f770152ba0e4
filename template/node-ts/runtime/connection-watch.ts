import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** How long a connection may be without progress, in milliseconds. */
interface WatchOptions {
  /** Without a request. */
  readonly idleMs: number;
  /** While its caller owes us progress: takes none of the answer, or sends nothing of the body. */
  readonly stallMs: number;
}

/** What is known of a connection. */
interface Watched {
  /** The answer under way or the last one. */
  response: ServerResponse | undefined;
  /** The answer after which it was first seen idle, and when. */
  idleAfter: ServerResponse | undefined;
  idleSince: number;
}

const maxSweepMs = 5000;

/** What must be told of a server's connections. */
export interface ConnectionWatch {
  /** A request begins. */
  serving(response: ServerResponse): void;
  /** The connection has another protocol now, with its own idea of how long to wait. */
  forget(socket: Socket): void;
}

/**
 * Closes connections that are idle or stand still for too long. One timer looks at all of them: Node's own
 * time limits set two timers for each request, which costs more than the rest of what we do with it.
 */
export function watchConnections(
  server: Server,
  { idleMs, stallMs }: WatchOptions,
): ConnectionWatch {
  const connections = new Map<Socket, Watched>();
  server.on('connection', (socket: Socket) => {
    connections.set(socket, { response: undefined, idleAfter: undefined, idleSince: 0 });
    socket.once('close', () => connections.delete(socket));
  });
  // Node knows best whether anything moved, also of what the socket counts as written already.
  server.on('timeout', (socket: Socket) => {
    const response = connections.get(socket)?.response;
    socket.setTimeout(0);
    // A server that ends has Node close connections as they fall idle.
    const isIdle = response?.closed ?? true;
    if (isIdle ? !server.listening : response !== undefined && owesProgress(response)) {
      socket.destroy();
    }
  });
  const sweep = (): void => {
    const now = performance.now();
    for (const [socket, watched] of connections) {
      const { response } = watched;
      if (response === undefined) continue;
      if (!response.closed) {
        if (owesProgress(response) && !socket.timeout) socket.setTimeout(stallMs);
      } else if (watched.idleAfter !== response) {
        watched.idleAfter = response;
        watched.idleSince = now;
      } else if (now - watched.idleSince > idleMs) {
        socket.destroy();
      }
    }
  };
  setInterval(sweep, Math.min(stallMs / 2, idleMs / 2, maxSweepMs)).unref();
  return {
    serving(response) {
      const { socket } = response;
      const watched = socket === null ? undefined : connections.get(socket);
      if (watched !== undefined) watched.response = response;
    },
    forget(socket) {
      socket.setTimeout(0);
      connections.delete(socket);
    },
  };
}

/** Whether it is the caller for whom a request waits: to take the answer, or to send the body. */
function owesProgress({ req: request, socket }: ServerResponse): boolean {
  const reading = (socket?.writableLength ?? 0) > 0;
  const sending = !request.complete && request.readableDidRead && request.readableLength === 0;
  return reading || sending;
}
