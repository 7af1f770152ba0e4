import { setTimeout as delay } from 'node:timers/promises';
import type { FunctionStatus } from '../gateway/function-status.ts';
import { hostLabel, type Owner, parseFunctionKey, parseOwner, serviceName } from '../names.ts';
import { ownerName } from '../pipeline/labels.ts';

/** A tenant's function, as the router needs it. */
export interface IndexedFunction {
  readonly owner: Owner;
  /** The owner's stable id at its provider; empty where the label is missing. */
  readonly ownerId: string;
  /** The provider, by the label `git-scm`; `github` where it is missing. */
  readonly scm: string;
  readonly service: string;
  /** Those that say something to the platform: names that begin with `com.openfaas.cloud.`. */
  readonly annotations: Readonly<Record<string, string>>;
}

/** Finds functions by the label of their owner's host and their key in `stack.yml`. */
export interface FunctionIndex {
  /**
   * The function, or `undefined` if the gateway has none of that owner and name now.
   *
   * @throws What `list` throws, if the function is not known and the gateway cannot be asked.
   */
  find(
    label: string,
    key: string,
  ): IndexedFunction | undefined | Promise<IndexedFunction | undefined>;
  /** Resolves when a list that was asked for after this call is in use. */
  refresh(): Promise<void>;
  /** Starts a refresh in the background if the index is older than `refreshMs`. */
  touch(): void;
}

interface FunctionIndexOptions {
  readonly list: () => Promise<readonly FunctionStatus[]>;
  /** A hit on an index older than this starts a refresh in the background. */
  readonly refreshMs: number;
  /** Misses ask the gateway at most this often; they wait for each other's answer. */
  readonly missEveryMs?: number;
  readonly onRefreshFailed?: (error: unknown) => void;
  /** Gets each new list, the tenants' functions only. */
  readonly onLoaded?: (functions: Iterable<IndexedFunction>) => void;
}

/**
 * Makes a {@link FunctionIndex} in memory. A hit never waits. A miss waits for a list that was asked
 * for after it came, so a function deployed a moment ago is found; floods of misses share one list
 * per `missEveryMs`. A failing refresh keeps the last good index.
 */
export function createFunctionIndex(options: FunctionIndexOptions): FunctionIndex {
  const { list, refreshMs, missEveryMs = 100, onRefreshFailed, onLoaded } = options;
  let functions: ReadonlyMap<string, IndexedFunction> = new Map();
  let startedAt = Number.NEGATIVE_INFINITY;
  /** The refresh that is to start next, and the one whose list is under way. */
  let next: Promise<void> | undefined;
  let running: Promise<void> | undefined;

  const load = async (): Promise<void> => {
    startedAt = performance.now();
    functions = indexFunctions(await list());
    onLoaded?.(functions.values());
  };
  const refresh = (): Promise<void> => {
    next ??= (async () => {
      await running?.catch(() => undefined);
      const wait = startedAt + missEveryMs - performance.now();
      if (wait > 0) await delay(wait);
      next = undefined;
      running = load();
      await running;
    })();
    return next;
  };

  const touch = (): void => {
    if (next === undefined && performance.now() - startedAt > refreshMs) {
      refresh().catch(onRefreshFailed ?? (() => undefined));
    }
  };

  return {
    refresh,
    touch,
    find(label, key) {
      const id = `${label}/${key}`;
      const found = functions.get(id);
      if (found === undefined) return refresh().then(() => functions.get(id));
      touch();
      return found;
    },
  };
}

/**
 * The tenants' functions among all, keyed `<host label>/<key>`. A function counts only if its name
 * is the one that its owner's label gives, so a label alone opens nothing.
 */
export function indexFunctions(
  functions: readonly FunctionStatus[],
): ReadonlyMap<string, IndexedFunction> {
  const index = new Map<string, IndexedFunction>();
  for (const fn of functions) {
    const { name, labels, annotations } = fn;
    if (labels?.['com.openfaas.cloud.git-cloud'] !== '1') continue;
    try {
      const owner = parseOwner(ownerName(fn));
      const prefix = serviceName(owner, parseFunctionKey('x')).slice(0, -1);
      const key = parseFunctionKey(name.slice(prefix.length));
      if (serviceName(owner, key) !== name) continue;
      index.set(`${hostLabel(owner)}/${key}`, {
        owner,
        ownerId: labels['com.openfaas.cloud.git-owner-id'] ?? '',
        scm: labels['com.openfaas.cloud.git-scm'] || 'github',
        service: name,
        annotations: platformAnnotations(annotations),
      });
    } catch {
      // Names that no deployment of ours can have made are not reachable.
    }
  }
  return index;
}

const noAnnotations: Readonly<Record<string, string>> = {};

function platformAnnotations(all: FunctionStatus['annotations']): Readonly<Record<string, string>> {
  const own = Object.entries(all ?? {}).filter(([name]) => name.startsWith('com.openfaas.cloud.'));
  return own.length === 0 ? noAnnotations : Object.fromEntries(own);
}
