import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  Client,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceError,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import { Auth, CredentialsRequestSchema } from '#shared/buildkit/generated/auth_pb.ts';
import {
  type BytesMessage,
  BytesMessageSchema,
  Control,
  ListWorkersResponseSchema,
  type SolveRequest,
  SolveResponseSchema,
  type StatusRequest,
  StatusResponseSchema,
} from '#shared/buildkit/generated/control_pb.ts';
import { Health, HealthCheckRequestSchema } from '#shared/buildkit/generated/health_pb.ts';
import { GetSecretRequestSchema, Secrets } from '#shared/buildkit/generated/secrets_pb.ts';
import { Upload, BytesMessageSchema as UploadBytes } from '#shared/buildkit/generated/upload_pb.ts';
import { grpcMethod, grpcService } from '#shared/buildkit/grpc-service.ts';

/** What the fake's build may ask of the client's session, as a real daemon does. */
export interface FakeSession {
  /** The methods that the client said it has. */
  readonly methods: readonly string[];
  /** The whole context, `pauseMs` between its messages. */
  pull(url: string, onMessage?: (size: number) => Promise<void>): Promise<Buffer>;
  credentials(host: string): Promise<{ Username: string; Secret: string }>;
  secret(id: string): Promise<Buffer>;
  health(): Promise<number>;
}

/** A build of the fake. */
export interface FakeBuild {
  readonly request: SolveRequest;
  readonly session: FakeSession;
  /** Sends a piece of the log. */
  readonly tell: (message: MessageInitShape<typeof StatusResponseSchema>) => void;
  /** Aborted when the client cancels. */
  readonly cancelled: AbortSignal;
}

/** A daemon that speaks BuildKit's protocol, and builds what a test says. */
export interface FakeBuildkit {
  readonly address: string;
  readonly solved: SolveRequest[];
  /** Breaks all connections at once, as a killed daemon does. */
  stop(): Promise<void>;
}

/** Options of {@link startFakeBuildkit}. */
export interface FakeOptions {
  readonly build: (build: FakeBuild) => Promise<Record<string, string>>;
  /** `new` has a version and a snapshotter, `old` neither, as Docker Engine 20.10. */
  readonly age?: 'new' | 'old';
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string };
  /** `host:port` or `unix:path`; a free port if absent. */
  readonly listen?: string;
}

const failure = (code: number, details: string): Partial<ServiceError> => ({ code, details });

/** Starts a {@link FakeBuildkit} on loopback. */
export async function startFakeBuildkit(options: FakeOptions): Promise<FakeBuildkit> {
  const sessions = new Map<string, Promise<FakeSession & { close(): Promise<void> }>>();
  const logs = new Map<string, ServerWritableStream<StatusRequest, unknown>>();
  const waiting = new Map<string, MessageInitShape<typeof StatusResponseSchema>[]>();
  const solved: SolveRequest[] = [];
  const server = new Server({ 'grpc.max_receive_message_length': 16 * 1024 * 1024 });

  server.addService(grpcService(Control), {
    listWorkers: (_: unknown, answer: sendUnaryData<unknown>) => {
      const worker =
        options.age === 'old'
          ? { ID: 'moby' }
          : {
              ID: 'w',
              Labels: { 'org.mobyproject.buildkit.worker.snapshotter': 'overlayfs' },
              BuildkitVersion: { package: 'fake', version: 'v0.13.0', revision: '' },
            };
      answer(null, create(ListWorkersResponseSchema, { record: [worker] }));
    },
    status: (call: ServerWritableStream<StatusRequest, unknown>) => {
      const { Ref } = call.request;
      logs.set(Ref, call);
      for (const message of waiting.get(Ref) ?? []) {
        call.write(create(StatusResponseSchema, message));
      }
    },
    session: (call: ServerDuplexStream<BytesMessage, BytesMessage>) => {
      const id = String(call.metadata.get('x-docker-expose-session-uuid')[0]);
      sessions.set(id, openFakeSession(call));
    },
    solve: (call: ServerUnaryCall<SolveRequest, unknown>, answer: sendUnaryData<unknown>) => {
      const { request } = call;
      solved.push(request);
      const cancelled = new AbortController();
      call.on('cancelled', () => cancelled.abort());
      const tell = (message: MessageInitShape<typeof StatusResponseSchema>): void => {
        const log = logs.get(request.Ref);
        if (log !== undefined) log.write(create(StatusResponseSchema, message));
        else waiting.set(request.Ref, [...(waiting.get(request.Ref) ?? []), message]);
      };
      void (async () => {
        const session = await sessions.get(request.Session);
        if (session === undefined) {
          answer(failure(status.UNKNOWN, 'no active session'));
          return;
        }
        try {
          const build = { request, session, tell, cancelled: cancelled.signal };
          const ExporterResponse = await options.build(build);
          logs.get(request.Ref)?.end();
          answer(null, create(SolveResponseSchema, { ExporterResponse }));
        } catch (error) {
          logs.get(request.Ref)?.end();
          const code = (error as ServiceError).code ?? status.UNKNOWN;
          answer(failure(code, (error as ServiceError).details ?? (error as Error).message));
        }
      })();
    },
  });

  const { tls, listen = '127.0.0.1:0' } = options;
  const secure =
    tls === undefined
      ? ServerCredentials.createInsecure()
      : ServerCredentials.createSsl(
          Buffer.from(tls.ca),
          [{ cert_chain: Buffer.from(tls.cert), private_key: Buffer.from(tls.key) }],
          true,
        );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(listen, secure, (error, bound) => (error ? reject(error) : resolve(bound)));
  });
  return {
    address: listen.startsWith('unix:') ? `unix://${listen.slice(5)}` : `tcp://127.0.0.1:${port}`,
    solved,
    async stop() {
      server.forceShutdown();
      for (const session of sessions.values()) await (await session).close();
    },
  };
}

/** The daemon's side of a session: a gRPC client on the byte stream, through a socket of its own. */
async function openFakeSession(call: ServerDuplexStream<BytesMessage, BytesMessage>) {
  const folder = await mkdtemp(join(tmpdir(), 'fake-session-'));
  const server = createServer((socket) => {
    socket.on('data', (data) => call.write(create(BytesMessageSchema, { data })));
    socket.on('error', () => undefined);
    call.on('data', ({ data }: BytesMessage) => socket.write(data));
    call.on('end', () => socket.destroy());
    call.on('cancelled', () => socket.destroy());
    call.resume();
  });
  const path = join(folder, 's');
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const client = new Client(`unix:${path}`, credentials.createInsecure());

  const unary = <I, O>({ path: name, ...method }: MethodDefinitionOf<I, O>, request: I) =>
    new Promise<O>((resolve, reject) => {
      client.makeUnaryRequest(
        name,
        method.requestSerialize,
        method.responseDeserialize,
        request,
        (error, answer) => (error || answer === undefined ? reject(error) : resolve(answer)),
      );
    });
  return {
    methods: call.metadata.get('x-docker-expose-session-grpc-method').join(', ').split(', '),
    health: async () =>
      (await unary(grpcMethod(Health.method.check), create(HealthCheckRequestSchema))).status,
    credentials: (Host: string) =>
      unary(grpcMethod(Auth.method.credentials), create(CredentialsRequestSchema, { Host })),
    secret: async (ID: string) => {
      const request = create(GetSecretRequestSchema, { ID });
      return Buffer.from((await unary(grpcMethod(Secrets.method.getSecret), request)).data);
    },
    pull: async (url: string, onMessage?: (size: number) => Promise<void>) => {
      const metadata = new Metadata();
      metadata.set('urlpath', new URL(url).pathname);
      metadata.set('urlhost', new URL(url).host);
      const method = grpcMethod(Upload.method.pull);
      const { path: name, requestSerialize, responseDeserialize } = method;
      const pulling = client.makeBidiStreamRequest(
        name,
        requestSerialize,
        responseDeserialize,
        metadata,
      );
      pulling.write(create(UploadBytes));
      pulling.end();
      const parts: Uint8Array[] = [];
      for await (const { data } of pulling) {
        parts.push(data);
        await onMessage?.(data.length);
      }
      return Buffer.concat(parts);
    },
    async close() {
      client.close();
      server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

interface MethodDefinitionOf<I, O> {
  readonly path: string;
  readonly requestSerialize: (value: I) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => O;
}
