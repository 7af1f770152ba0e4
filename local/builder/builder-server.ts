import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import {
  type BuildAnswer,
  type BuildResult,
  openBuildAnswer,
} from '#shared/builder/build-answer.ts';
import type { Builder } from '#shared/builder/builder.ts';
import { receiveBody } from '#shared/builder/receive-body.ts';
import { CloudError, errorMessage, toCloudError } from '#shared/errors.ts';
import type { Logger } from '#shared/log.ts';
import { createRedactor } from '#shared/redact.ts';
import { parseImageReference } from '#shared/registry/image-reference.ts';
import type { RegistryClient } from '#shared/registry/registry-client.ts';
import { describePublicKey, openSecrets, parsePrivateKey } from '#shared/sealed-box.ts';
import { extractContext } from '#shared/tar/extract-context.ts';
import { type BuildTools, buildFunction } from './build-function.ts';
import { createBuildSlots } from './build-slots.ts';
import { findCompiler } from './check-types.ts';
import { createInstaller } from './dependencies.ts';
import { endEsbuild, withEsbuild } from './esbuild-process.ts';
import { makeFunctionImage } from './function-image.ts';
import { pushImage } from './push-image.ts';

/** Settings of {@link createBuilder}. */
export interface BuilderOptions {
  /** Where work in progress and installed dependencies are kept. */
  readonly folder: string;
  readonly payloadSecret: string;
  readonly log: Logger;
  /** With credentials to push. */
  readonly registry: RegistryClient;
  /** The platform's own template/node-ts. */
  readonly templateFolder: string;
  /** Variables for npm: a registry, a proxy, npm_config_userconfig. Nothing else reaches it. */
  readonly npmEnvironment?: Readonly<Record<string, string>>;
  /** Check the types of TypeScript handlers, unless TYPECHECK says otherwise; true by default. */
  readonly typecheck?: boolean;
  /** Builds every context by its Dockerfile, instead of the embedded tools. */
  readonly backend?: Builder;
  /** Builds at once; 2 by default. */
  readonly parallel?: number;
  /** Builds that may wait; 20 by default. */
  readonly queued?: number;
  readonly npmTimeoutMs?: number;
  /** 0 or absent = a free one. */
  readonly port?: number;
}

/** A running builder. */
export interface BuilderServer {
  /** Its base address on loopback: `builder_url` of of-builder. */
  readonly url: string;
  close(): Promise<void>;
}

const maxBodyBytes = 128 * 2 ** 20;
const dependenciesMs = 30 * 24 * 60 * 60_000;

/**
 * Starts a builder that speaks the protocol of OpenFaaS's (`POST /build`, `GET /publickey`, `GET /healthz`) on a
 * free loopback port. Without a `backend` it needs no container engine, and builds functions of lang `node-ts`.
 */
export async function createBuilder(options: BuilderOptions): Promise<BuilderServer> {
  const { folder, log, registry, payloadSecret } = options;
  const jobs = join(folder, 'jobs');
  await rm(jobs, { recursive: true, force: true }); // left by a kill
  await mkdir(jobs, { recursive: true, mode: 0o700 });
  const tools: BuildTools = {
    templateFolder: options.templateFolder,
    compiler: findCompiler(),
    typecheck: options.typecheck ?? true,
    installer: createInstaller({
      folder: join(folder, 'dependencies'),
      environment: options.npmEnvironment ?? {},
      timeoutMs: options.npmTimeoutMs ?? 5 * 60_000,
    }),
  };
  await tools.installer.prune(dependenciesMs);
  // Secrets are sealed for one request, so the pair need not outlive this process.
  const keys = parsePrivateKey(randomBytes(32).toString('base64'));
  const slots = createBuildSlots(options.parallel ?? 2, options.queued ?? 20);

  const build = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const gone = new AbortController();
    response.on('close', () => {
      if (!response.writableFinished) gone.abort(new CloudError('OFC_TIMEOUT', 'The caller left.'));
    });
    const home = await mkdtemp(join(jobs, 'b'));
    try {
      const path = join(home, 'body.tar');
      await receiveBody(request, { path, secret: payloadSecret, maxBytes: maxBodyBytes });
      const work = () => withEsbuild(() => run(home, request, response, gone.signal));
      await slots.run(work, gone.signal);
    } finally {
      await rm(home, { recursive: true, force: true, maxRetries: 3 });
    }
  };

  const run = async (
    home: string,
    request: IncomingMessage,
    response: ServerResponse,
    signal: AbortSignal,
  ): Promise<void> => {
    const contextDir = join(home, 'context');
    const { config, secrets } = await extractContext(
      createReadStream(join(home, 'body.tar')),
      contextDir,
    );
    const streaming = /application\/x-ndjson/.test(request.headers.accept ?? '');
    const answer = openBuildAnswer(response, streaming);
    let redact = createRedactor([]);
    const work = async (): Promise<BuildResult> => {
      const opened =
        secrets === undefined ? new Map<string, never>() : openSecrets(String(secrets), [keys]);
      redact = createRedactor([...opened.values()].map(({ value }) => value));
      if (options.backend !== undefined) {
        const { digest } = await options.backend.build({
          context: { open: async () => createReadStream(join(home, 'body.tar')) },
          image: config.image,
          scope: parseImageReference(config.image).repository,
          buildArgs: config.buildArgs,
          labels: config.labels ?? {},
          platforms: config.platforms,
          skipPush: config.skipPush,
          secrets: new Map([...opened].map(([id, { value }]) => [id, value])),
          onLog: answer.log,
          signal,
        });
        if (digest === undefined) {
          throw new CloudError('OFC_BUILD_FAILED', 'The image has no digest: it was not pushed.');
        }
        return { status: 'success', image: config.image, digest };
      }
      const job = {
        contextDir,
        outDir: join(home, 'out'),
        config,
        secrets: opened,
        secretFolder: join(home, 'secrets'),
        log: (line: string) => answer.log(redact(line)),
        signal,
      };
      const image = await makeFunctionImage(await buildFunction(tools, job), config.labels ?? {});
      const digest = image.manifest.digest;
      if (config.skipPush !== true) {
        answer.log(`pushing ${config.image}`);
        await pushImage(registry, config.image, image);
      }
      answer.log(`digest: ${digest}`);
      return { status: 'success', image: config.image, digest };
    };
    const clean = (text: string) => redact(text.replaceAll(`${home}/context/`, ''));
    answer.end(await work().catch((error: unknown) => failure(error, config.image, answer, clean)));
  };

  const failure = (
    error: unknown,
    image: string,
    answer: BuildAnswer,
    clean: (text: string) => string,
  ): BuildResult => {
    const text = clean(error instanceof CloudError ? error.text : errorMessage(error));
    for (const line of text.split('\n')) answer.log(line);
    return { status: 'failed', image, error: text };
  };

  const server = createServer((request, response) => {
    const route = `${request.method} ${request.url?.split('?', 1)[0]}`;
    if (route === 'GET /healthz') response.end('OK');
    else if (route === 'GET /publickey') {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(describePublicKey(keys.publicKey)));
    } else if (route !== 'POST /build') refuse(response, new CloudError('OFC_NOT_FOUND', route));
    else {
      build(request, response).catch((thrown: unknown) => {
        const error = toCloudError(thrown);
        log.warn('A build request was refused.', { code: error.code, error: error.message });
        refuse(response, error);
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;

  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      await endEsbuild();
    },
  };
}

function refuse(response: ServerResponse, error: CloudError): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  if (error.code === 'OFC_BUSY') response.setHeader('retry-after', '5');
  // What is left of the body is not read.
  response.setHeader('connection', 'close');
  response.writeHead(error.status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ status: 'failed', error: error.text }));
}
