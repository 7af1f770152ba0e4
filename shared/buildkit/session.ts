import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { CallSocket } from './call-socket.ts';
import type { DaemonClient } from './daemon-client.ts';
import type { RegistryLogin } from './docker-config.ts';
import { Auth } from './generated/auth_pb.ts';
import { Health } from './generated/health_pb.ts';
import { Secrets } from './generated/secrets_pb.ts';
import { Upload } from './generated/upload_pb.ts';
import { grpcService, methodPath } from './grpc-service.ts';
import { authService, healthService, secretsService, uploadService } from './session-services.ts';

/** What a daemon may ask for while it builds. */
export interface SessionServices {
  /** The build context, from its start; may be asked for again. */
  readonly openContext: () => Promise<Readable>;
  /** How to log in to a registry. */
  readonly login: (host: string) => RegistryLogin | undefined;
  readonly secrets: ReadonlyMap<string, Buffer>;
  /** Gets an error of ours that the daemon will only report as a broken context. */
  readonly onError: (error: unknown) => void;
}

/** A running session. */
export interface Session {
  /** For `Solve.Session`. */
  readonly id: string;
  /** The frontend's `context`: what the daemon fetches over this session. */
  readonly contextUrl: string;
  /** Settles with an error if the daemon goes away, with nothing after `close`. */
  readonly lost: Promise<Error | undefined>;
  close(): void;
}

/** A daemon that looked after its session (every few seconds) and then no more is gone. */
const silenceMs = 60_000;

/**
 * Opens a session: a byte stream on which the daemon calls us. It gets the context, registry
 * credentials and build secrets there, and nothing else.
 *
 * @see https://github.com/moby/buildkit/blob/master/session/grpc.go
 */
export function openSession(client: DaemonClient, services: SessionServices): Session {
  const id = randomUUID().replaceAll('-', '');
  const path = `/${randomUUID()}`;
  const server = new Server({ 'grpc.max_send_message_length': -1 });
  let watchdog: NodeJS.Timeout | undefined;
  const alive = (): void => {
    clearTimeout(watchdog);
    watchdog = setTimeout(() => socket.destroy(new Error('the daemon is silent')), silenceMs);
  };
  server.addService(grpcService(Health), healthService(alive));
  server.addService(grpcService(Auth), authService(services.login));
  server.addService(grpcService(Secrets), secretsService(services.secrets));
  server.addService(
    grpcService(Upload),
    uploadService(path, services.openContext, services.onError),
  );
  const exposed = [Health, Auth, Secrets, Upload].flatMap(({ methods }) => methods.map(methodPath));
  const socket = new CallSocket(
    client.session([
      ['x-docker-expose-session-uuid', id],
      ['x-docker-expose-session-name', 'of-builder'],
      ['x-docker-expose-session-sharedkey', ''],
      ...exposed.map((method) => ['x-docker-expose-session-grpc-method', method] as const),
    ]),
  );
  const lost = new Promise<Error | undefined>((resolve) => {
    socket.on('error', (error) => resolve(error));
    socket.on('close', () => resolve(closed ? undefined : new Error('the session ended')));
  });
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  injector.injectConnection(socket);
  let closed = false;

  return {
    id,
    contextUrl: `http://buildkit-session${path}`,
    lost,
    close() {
      closed = true;
      clearTimeout(watchdog);
      injector.destroy();
      server.forceShutdown();
      socket.destroy();
    },
  };
}
