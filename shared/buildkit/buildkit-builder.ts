import { setTimeout as sleep } from 'node:timers/promises';
import type { Builder, BuildRequest, BuiltImage } from '../builder/builder.ts';
import { CloudError } from '../errors.ts';
import { createRedactor } from '../redact.ts';
import { parseImageReference } from '../registry/image-reference.ts';
import type { SourceLimits } from '../shrinkwrap/limits.ts';
import { daemonOrder } from './choose-daemon.ts';
import { contextTar } from './context-tar.ts';
import type { Daemon } from './daemon.ts';
import { daemonError } from './daemon-error.ts';
import { hostOf, type RegistryLogin } from './docker-config.ts';
import { enginePush } from './engine-push.ts';
import { frontendOf } from './frontend.ts';
import { runSolve } from './run-solve.ts';
import {
  type BuildPolicy,
  type DaemonAbilities,
  solveRequest,
  unmetPolicy,
} from './solve-request.ts';

/** Settings of {@link createBuildkitBuilder}. */
export interface BuildkitOptions {
  /** One or several; a scope keeps to its own as long as that answers. */
  readonly daemons: readonly Daemon[];
  /** By the registry's host, as `parseDockerConfig` reads them. */
  readonly logins: ReadonlyMap<string, RegistryLogin>;
  readonly policy: BuildPolicy;
  readonly limits: SourceLimits;
  /** Images that `# syntax=` may name: whole references, or beginnings that end with `*`. */
  readonly frontends: readonly string[];
  /** How long a build waits for a daemon that is gone. */
  readonly waitMs: number;
  /** Makes the repository where a registry wants that first; may give a login of its own. */
  readonly prepareRepository?: (
    image: string,
    signal: AbortSignal,
  ) => Promise<RegistryLogin | undefined>;
}

const answerMs = 3000;
const pauseMs = 500;
/** A build that takes its daemon down each time must come to an end. */
const maxTries = 3;

/** A {@link Builder} on BuildKit's own API. */
export function createBuildkitBuilder(options: BuildkitOptions): Builder {
  return {
    async build(request) {
      const logins = new Map(options.logins);
      const own = await options.prepareRepository?.(request.image, request.signal);
      const host = hostOf(parseImageReference(request.image).host);
      if (own !== undefined && !logins.has(host)) logins.set(host, own);
      const redact = createRedactor([
        ...(request.secrets?.values() ?? []),
        ...[...logins.values()].map(({ secret }) => secret),
      ]);
      const quiet = { ...request, onLog: (line: string) => request.onLog(redact(line)) };
      try {
        return await buildWithRetries({ ...options, logins }, quiet);
      } catch (error) {
        throw redacted(error, redact);
      }
    },
  };
}

async function buildWithRetries(
  options: BuildkitOptions,
  request: BuildRequest,
): Promise<BuiltImage> {
  for (let tries = 1; ; tries += 1) {
    const { daemon, abilities } = await reach(options, request);
    try {
      return await buildAt(daemon, abilities, options, request);
    } catch (error) {
      const failure = daemonError(error, daemon.url, request.signal, request.image);
      const lost = failure.code === 'OFC_UPSTREAM' && failure !== error;
      if (!lost || tries === maxTries) throw failure;
      request.onLog(`${failure.message} The build starts anew once it is back.`);
    }
  }
}

/** The first of the scope's daemons that answers; waits for one if none does. */
async function reach(
  { daemons, waitMs }: BuildkitOptions,
  { scope, signal, onLog }: BuildRequest,
): Promise<{ daemon: Daemon; abilities: DaemonAbilities }> {
  const order = daemonOrder(daemons, scope);
  const until = Date.now() + waitMs;
  for (let said = false; ; said = true) {
    let failure: CloudError | undefined;
    for (const daemon of order) {
      if (signal.aborted) throw new CloudError('OFC_TIMEOUT', 'The build was ended.');
      try {
        return { daemon, abilities: await daemon.abilities(answerMs) };
      } catch (error) {
        failure = daemonError(error, daemon.url, signal);
        if (failure.code === 'OFC_CONFIG') throw failure;
      }
    }
    if (failure === undefined || Date.now() > until) throw failure ?? new Error('no daemon');
    if (!said) onLog(`${failure.message} Waiting for it.`);
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
  }
}

async function buildAt(
  daemon: Daemon,
  abilities: DaemonAbilities,
  options: BuildkitOptions,
  request: BuildRequest,
): Promise<BuiltImage> {
  const { image, onLog, signal, context } = request;
  const push = request.skipPush !== true;
  const { policy, limits, frontends, logins } = options;
  for (const line of unmetPolicy(policy, abilities)) onLog(line);
  const open = async () => contextTar(await context.open(), limits, context);
  const frontend = await frontendOf(open, frontends, onLog);
  const target = {
    image,
    push,
    buildArgs: request.buildArgs,
    labels: request.labels ?? {},
    platforms: request.platforms ?? [],
    createdAt: request.createdAt,
    cacheScope: request.scope,
    frontend,
  };
  let ours: CloudError | undefined;
  const solved = await runSolve(await daemon.client(), {
    request: (session) => solveRequest(target, policy, abilities, session),
    services: {
      openContext: open,
      login: (host) => logins.get(hostOf(host)),
      secrets: request.secrets ?? new Map(),
      onError: (error) => {
        ours ??= contextError(error);
      },
    },
    onLine: onLog,
    signal,
  }).catch((error: unknown) => {
    throw signal.aborted ? error : (ours ?? error);
  });
  if (abilities.engineSocket === undefined) {
    return { image, digest: solved.ExporterResponse['containerimage.digest'] };
  }
  if (!push) return { image, digest: undefined };
  onLog(`pushing ${image}`);
  const login = logins.get(hostOf(parseImageReference(image).host));
  return { image, digest: await enginePush(abilities.engineSocket, image, login, onLog, signal) };
}

/** An error of the context is no error of the daemon, which only reports that it broke off. */
function contextError(error: unknown): CloudError {
  if (error instanceof CloudError) return error;
  return new CloudError('OFC_UPSTREAM', 'The build context broke off.', { cause: error });
}

function redacted(error: unknown, redact: (text: string) => string): unknown {
  if (!(error instanceof CloudError) || redact(error.text) === error.text) return error;
  const hint = error.hint === undefined ? {} : { hint: redact(error.hint) };
  return new CloudError(error.code, redact(error.message), hint);
}
