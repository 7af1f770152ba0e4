import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { create } from '@bufbuild/protobuf';
import {
  type ServerDuplexStream,
  type ServerUnaryCall,
  type sendUnaryData,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import type { RegistryLogin } from './docker-config.ts';
import { type CredentialsRequest, CredentialsResponseSchema } from './generated/auth_pb.ts';
import { HealthCheckResponseSchema } from './generated/health_pb.ts';
import { type GetSecretRequest, GetSecretResponseSchema } from './generated/secrets_pb.ts';
import { type BytesMessage, BytesMessageSchema } from './generated/upload_pb.ts';

/** Daemons take messages of 4 MiB at least. */
const chunkBytes = 1024 * 1024;

/** Answers "serving"; `onCheck` learns that the daemon asked. */
export function healthService(onCheck: () => void): UntypedServiceImplementation {
  return {
    check: (_: unknown, answer: sendUnaryData<unknown>) => {
      onCheck();
      answer(null, create(HealthCheckResponseSchema, { status: 1 }));
    },
  };
}

/** Registry credentials; none means anonymous. */
export function authService(
  login: (host: string) => RegistryLogin | undefined,
): UntypedServiceImplementation {
  return {
    credentials: (
      { request }: ServerUnaryCall<CredentialsRequest, unknown>,
      answer: sendUnaryData<unknown>,
    ) => {
      const { username = '', secret = '' } = login(request.Host) ?? {};
      answer(null, create(CredentialsResponseSchema, { Username: username, Secret: secret }));
    },
  };
}

/** Build secrets by their id. */
export function secretsService(secrets: ReadonlyMap<string, Buffer>): UntypedServiceImplementation {
  return {
    getSecret: (
      { request }: ServerUnaryCall<GetSecretRequest, unknown>,
      answer: sendUnaryData<unknown>,
    ) => {
      const data = secrets.get(request.ID);
      if (data !== undefined) answer(null, create(GetSecretResponseSchema, { data }));
      else answer({ code: status.NOT_FOUND, details: `there is no build secret ${request.ID}` });
    },
  };
}

/**
 * Sends the context, no faster than the daemon takes it.
 *
 * @param path The only address that is served; the daemon has it from us.
 */
export function uploadService(
  path: string,
  open: () => Promise<Readable>,
  onError: (error: unknown) => void,
): UntypedServiceImplementation {
  return {
    pull: async (call: ServerDuplexStream<BytesMessage, BytesMessage>) => {
      const asked = call.metadata.get('urlpath');
      if (asked.length !== 1 || asked[0] !== path) {
        call.emit('error', { code: status.NOT_FOUND, details: 'there is nothing at that address' });
        return;
      }
      const gone = new AbortController();
      call.on('cancelled', () => gone.abort());
      call.resume();
      try {
        const body = await open();
        call.on('cancelled', () => body.destroy());
        for await (const data of chunksOf(body)) {
          if (call.cancelled) return;
          if (!call.write(create(BytesMessageSchema, { data }))) {
            await once(call, 'drain', { signal: gone.signal });
          }
        }
        call.end();
      } catch (error) {
        if (call.cancelled) return;
        onError(error);
        call.emit('error', { code: status.ABORTED, details: 'the build context broke off' });
      }
    },
  };
}

/** The stream in pieces of about `chunkBytes`: few messages, whatever the source's pieces are. */
async function* chunksOf(body: Readable): AsyncGenerator<Buffer> {
  let pending: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    pending.push(chunk);
    size += chunk.length;
    if (size < chunkBytes) continue;
    yield Buffer.concat(pending);
    pending = [];
    size = 0;
  }
  if (size > 0) yield Buffer.concat(pending);
}
