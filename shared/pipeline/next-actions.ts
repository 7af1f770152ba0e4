import type { FunctionKey } from '../names.ts';
import type { ClosedRecord, PlannedFunction } from './plan.ts';
import { claimName, type DeploymentRecords } from './states.ts';

/** Something to do for a deployment. Each may be done any number of times with the same end. */
export type Action =
  | { readonly do: 'plan' }
  | { readonly do: 'build'; readonly fn: PlannedFunction }
  | { readonly do: 'deploy'; readonly fn: PlannedFunction; readonly image: string }
  | { readonly do: 'close'; readonly state: ClosedRecord['state']; readonly text: string };

interface Situation {
  /** The newest accepted push of the branch, if it is not this one. */
  readonly supersededBy: string | undefined;
  /** How many builds of one push may run at once. */
  readonly maxParallelBuilds: number;
}

/**
 * What a deployment needs next, from its records alone. A step that was lost, doubled or came late
 * changes nothing: whoever looks at the records sees the same work.
 */
export function nextActions(records: DeploymentRecords, situation: Situation): Action[] {
  if (records.closed !== undefined) return [];
  const verdict = verdictOf(records);
  if (verdict !== undefined) return [verdict];
  if (situation.supersededBy !== undefined) {
    const text = `A newer push replaced this one: ${situation.supersededBy}.`;
    return [{ do: 'close', state: 'superseded', text }];
  }
  if (records.plan?.outcome !== 'planned') return [{ do: 'plan' }];
  const { functions } = records.plan;
  return [...deployActions(records, functions), ...buildActions(records, functions, situation)];
}

function deployActions(
  records: DeploymentRecords,
  functions: readonly PlannedFunction[],
): Action[] {
  return functions.flatMap((fn): Action[] => {
    const build = records.builds.get(fn.key);
    if (build?.outcome !== 'built' || records.deploys.has(fn.key)) return [];
    return [{ do: 'deploy', fn, image: build.image }];
  });
}

/** Builds under way come first (their claim may have run out), new ones as far as the limit goes. */
function buildActions(
  records: DeploymentRecords,
  functions: readonly PlannedFunction[],
  { maxParallelBuilds }: Situation,
): Action[] {
  const unbuilt = functions.filter(({ key }) => !records.builds.has(key));
  const begun = (fn: PlannedFunction) => records.claimed.has(claimName('build', fn.key));
  const running = unbuilt.filter(begun);
  const fresh = unbuilt.filter((fn) => !begun(fn));
  const free = Math.max(0, maxParallelBuilds - running.length);
  return [...running, ...fresh.slice(0, free)].map((fn): Action => ({ do: 'build', fn }));
}

function verdictOf(records: DeploymentRecords): Action | undefined {
  const { plan, deployment } = records;
  if (deployment.skip !== undefined) {
    return { do: 'close', state: 'skipped', text: deployment.skip };
  }
  if (plan === undefined) return undefined;
  if (plan.outcome === 'failed')
    return { do: 'close', state: 'failed', text: `${plan.text} (${plan.code})` };
  const keys = plan.functions.map(({ key }) => key);
  if (!keys.every((key) => isFinished(records, key))) return undefined;
  const broken = keys.filter((key) => records.deploys.get(key)?.outcome !== 'live');
  if (broken.length === 0) {
    const count = keys.length === 1 ? '1 function is' : `${keys.length} functions are`;
    return { do: 'close', state: 'live', text: `${count} live.` };
  }
  const text = `${broken.length} of ${keys.length} failed: ${broken.join(', ')}.`;
  return { do: 'close', state: 'failed', text };
}

function isFinished(records: DeploymentRecords, key: FunctionKey): boolean {
  return records.deploys.has(key) || records.builds.get(key)?.outcome === 'failed';
}
