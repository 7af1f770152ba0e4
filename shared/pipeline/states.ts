import type { FunctionKey } from '../names.ts';
import type { Deployment } from './deployment.ts';
import type { BuildRecord, ClosedRecord, DeployRecord, PlanRecord } from './plan.ts';

/** Everything that is recorded about one deployment; states are derived from it, never stored. */
export interface DeploymentRecords {
  readonly deployment: Deployment;
  readonly plan: PlanRecord | undefined;
  readonly builds: ReadonlyMap<FunctionKey, BuildRecord>;
  readonly deploys: ReadonlyMap<FunctionKey, DeployRecord>;
  readonly closed: ClosedRecord | undefined;
  /** Actions that somebody took on, as in {@link claimName}. */
  readonly claimed: ReadonlySet<string>;
}

/** A state of a whole deployment. */
export type DeploymentState = 'received' | 'planned' | 'building' | 'deploying' | EndState;
/** A state of one function of it. */
export type FunctionState = 'planned' | 'building' | 'deploying' | EndState;
/** States that nothing leaves. */
export type EndState = 'live' | 'failed' | 'superseded' | 'cancelled' | 'skipped';

/** Which states may follow which, for a deployment and for a function. */
export const transitions: Readonly<Record<DeploymentState, readonly DeploymentState[]>> = {
  received: ['planned', 'failed', 'superseded', 'cancelled', 'skipped'],
  planned: ['building', 'deploying', 'live', 'failed', 'superseded', 'cancelled'],
  building: ['deploying', 'failed', 'superseded', 'cancelled'],
  deploying: ['live', 'failed', 'superseded', 'cancelled'],
  live: [],
  failed: [],
  superseded: [],
  cancelled: [],
  skipped: [],
};

/** Something that one worker at a time should do. */
export type Claimable = 'plan' | `build/${string}` | `deploy/${string}`;

/** The name under which an action on a function is claimed. */
export function claimName(action: 'build' | 'deploy', key: FunctionKey): Claimable {
  return `${action}/${key}`;
}

/** The state of one function of a planned deployment. */
export function functionState(records: DeploymentRecords, key: FunctionKey): FunctionState {
  const deploy = records.deploys.get(key);
  if (deploy !== undefined) return deploy.outcome;
  const build = records.builds.get(key);
  if (build?.outcome === 'failed') return 'failed';
  if (records.closed !== undefined) {
    return records.closed.state === 'live' ? 'failed' : records.closed.state;
  }
  if (build !== undefined) return 'deploying';
  return records.claimed.has(claimName('build', key)) ? 'building' : 'planned';
}

/** The state of the stack as a whole: the least advanced of its functions, until it is closed. */
export function deploymentState(records: DeploymentRecords): DeploymentState {
  if (records.closed !== undefined) return records.closed.state;
  if (records.plan === undefined) return 'received';
  if (records.plan.outcome === 'failed') return 'failed';
  const states = records.plan.functions.map(({ key }) => functionState(records, key));
  if (states.includes('building')) return 'building';
  if (states.includes('planned'))
    return states.every((s) => s === 'planned') ? 'planned' : 'building';
  return 'deploying';
}
