import { CloudError } from '#shared/errors.ts';
import type { Deployment } from '#shared/pipeline/deployment.ts';
import { failedRecord } from '#shared/pipeline/failed-record.ts';
import type { Records } from '#shared/pipeline/records.ts';

/**
 * The plan of a roll-back: that of the deployment it goes back to, with its images. Called any number of
 * times it comes to the same.
 *
 * @param of The id of that deployment; if its records are gone, the roll-back fails and says so.
 * @throws CloudError of the store
 */
export async function copyPlan(
  records: Pick<Records, 'load' | 'recordPlan' | 'recordBuild'>,
  deployment: Deployment,
  of: Deployment['id'],
): Promise<void> {
  const source = await records.load({ ...deployment, id: of });
  const at = Date.now();
  const plan = source?.plan;
  const images = plan?.outcome === 'planned' ? plan.functions : [];
  const builds = images.flatMap(({ key }) => {
    const build = source?.builds.get(key);
    return build?.outcome === 'built' ? [{ key, build }] : [];
  });
  if (plan?.outcome !== 'planned' || builds.length < images.length) {
    const gone = new CloudError('OFC_NOT_FOUND', `The records of deployment ${of} are gone.`, {
      hint: 'Push that commit again.',
    });
    await records.recordPlan(deployment, failedRecord(gone));
    return;
  }
  for (const { key, build } of builds) {
    await records.recordBuild(deployment, key, { ...build, cached: true, seconds: 0, at });
  }
  await records.recordPlan(deployment, { ...plan, at });
}
