import { isDeepStrictEqual } from 'node:util';
import { CloudError, errorMessage, toCloudError } from '#shared/errors.ts';
import type { Logger } from '#shared/log.ts';
import type { Cron } from '../cron/cron.ts';
import { type FunctionSpec, functionId, type Provider } from '../provider/provider.ts';
import type { SecretStore } from '../secrets/secret-store.ts';
import type { SpecStore } from './spec-store.ts';

interface DeploymentsOptions {
  readonly provider: Provider;
  readonly specs: SpecStore;
  readonly secrets: SecretStore;
  readonly cron: Cron;
  readonly log: Logger;
}

/** Deploys functions, known by their {@link functionId}, and keeps what was deployed. Changes of one run one after another. */
export interface Deployments {
  /**
   * Creates a function or rolls it over.
   *
   * @throws CloudError `OFC_BAD_REQUEST` (a secret is missing, a schedule cannot be read),
   * `OFC_DEPLOY_FAILED` (the provider could not take it; what ran before still runs).
   */
  apply(spec: FunctionSpec): Promise<void>;
  /** As {@link apply}, but starts nothing that can be started by its first call, and does nothing if it is there. */
  ensure(spec: FunctionSpec): Promise<void>;
  /** @throws CloudError `OFC_NOT_FOUND` */
  remove(id: string): Promise<void>;
  /** @throws CloudError `OFC_NOT_FOUND` */
  scale(id: string, replicas: number): Promise<void>;
  /** Brings back all functions of an earlier run; one that fails is logged and stays listed. */
  restore(): Promise<void>;
  /** Resolves when a function that is being brought back can be called. */
  ready(id: string): Promise<void> | undefined;
}

/** Functions that are brought back at a time: each may start a process. */
const restoreConcurrency = 4;

/** Makes {@link Deployments}. */
export function createDeployments({
  provider,
  specs,
  secrets,
  cron,
  log,
}: DeploymentsOptions): Deployments {
  const tails = new Map<string, Promise<void>>();
  const restoring = new Map<string, Promise<void>>();

  const inTurn = (id: string, change: () => Promise<void>): Promise<void> => {
    const turn = (tails.get(id) ?? Promise.resolve()).then(change);
    const tail = turn
      .catch(() => undefined)
      .then(() => {
        if (tails.get(id) === tail) tails.delete(id);
      });
    tails.set(id, tail);
    return turn;
  };

  const requireKnown = (id: string): FunctionSpec => {
    const spec = specs.get(id);
    if (spec === undefined) {
      throw new CloudError('OFC_NOT_FOUND', `There is no function "${id}".`);
    }
    return spec;
  };

  const requireSecrets = async (spec: FunctionSpec): Promise<void> => {
    const present = new Set(await secrets.in(spec.namespace).list());
    const missing = spec.secrets.filter((name) => !present.has(name));
    if (missing.length === 0) return;
    throw new CloudError('OFC_BAD_REQUEST', `Secrets that do not exist: ${missing.join(', ')}.`, {
      hint: 'Create them with "faas-cli secret create".',
    });
  };

  const restore = async (id: string): Promise<void> => {
    const spec = specs.get(id);
    if (spec === undefined) return;
    try {
      await provider.deploy(spec, { start: false });
      cron.set(spec);
    } catch (error) {
      log.error('a function could not be brought back', {
        function: id,
        error: errorMessage(error),
      });
    }
  };

  const put = async (spec: FunctionSpec, options: { start: boolean }): Promise<void> => {
    cron.check(spec);
    await requireSecrets(spec);
    const createdAt = specs.get(functionId(spec))?.createdAt ?? spec.createdAt;
    const kept = { ...spec, createdAt };
    await provider.deploy(kept, options);
    await specs.put(kept);
    cron.set(kept);
  };
  const isThere = (spec: FunctionSpec): boolean => {
    const known = specs.get(functionId(spec));
    if (known === undefined || provider.status(functionId(spec)) === undefined) return false;
    return isDeepStrictEqual(known, { ...spec, createdAt: known.createdAt });
  };

  return {
    apply: (spec) => inTurn(functionId(spec), () => put(spec, { start: true })),
    ensure: (spec) =>
      inTurn(functionId(spec), async () => {
        if (!isThere(spec)) await put(spec, { start: false });
      }),
    remove: (id) =>
      inTurn(id, async () => {
        requireKnown(id);
        await specs.remove(id);
        cron.delete(id);
        await provider.remove(id).catch((error: unknown) => {
          // One that could not be brought back is known to the gateway only.
          if (toCloudError(error).code !== 'OFC_NOT_FOUND') throw error;
        });
      }),
    scale: (id, replicas) =>
      inTurn(id, async () => {
        requireKnown(id);
        await provider.scale(id, replicas);
      }),
    async restore() {
      const chains = Array.from({ length: restoreConcurrency }, () => Promise.resolve());
      for (const [index, id] of specs.all().map(functionId).entries()) {
        const chain = index % restoreConcurrency;
        const restored = (chains[chain] ?? Promise.resolve())
          .then(() => inTurn(id, () => restore(id)))
          .finally(() => restoring.delete(id));
        // Registered at once, so that a call which comes first waits for its function.
        restoring.set(id, restored);
        chains[chain] = restored;
      }
      await Promise.all(chains);
    },
    ready: (id) => restoring.get(id),
  };
}
