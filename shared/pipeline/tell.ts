import type { DeploymentRef } from './deployment.ts';
import { refOf } from './deployment.ts';
import type { Records, Told } from './records.ts';
import type { DeploymentRecords } from './states.ts';

/** Who must have learned of a verdict before nobody need look at the deployment again. */
export function mustBeTold({ closed, plan }: DeploymentRecords): Told[] {
  if (closed === undefined) return [];
  const collects = closed.state === 'live' && plan?.outcome === 'planned';
  return collects ? ['status', 'garbage'] : ['status'];
}

/**
 * Notes that somebody has learned of a deployment's verdict, and takes the deployment off the list of
 * open ones once all have. Called by whoever did the work, not by who asked for it: a message that a
 * queue dropped after its one try is sent again by the sweeper.
 */
export async function tell(
  records: Pick<Records, 'recordTold' | 'told' | 'settle'>,
  done: DeploymentRecords,
  what: Told,
): Promise<void> {
  if (done.closed === undefined) return;
  const ref: DeploymentRef = refOf(done.deployment);
  if (await records.recordTold(ref, what)) {
    const told = await records.told(ref);
    if (mustBeTold(done).every((each) => told.has(each))) await records.settle(ref);
  }
}
