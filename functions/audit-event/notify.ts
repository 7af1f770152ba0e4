import { type Delivering, deliver } from '#shared/notifications/deliver.ts';
import type { Destinations } from '#shared/notifications/destinations.ts';
import { resultNotice } from '#shared/notifications/result-notice.ts';
import type { DeploymentRef } from '#shared/pipeline/deployment.ts';
import type { Records } from '#shared/pipeline/records.ts';
import type { PublicUrls } from '#shared/public-urls.ts';

/** What telling owners works with. */
export interface Notifying {
  readonly records: Pick<Records, 'load'>;
  readonly destinations: Destinations;
  readonly delivering: Delivering;
  readonly urls: PublicUrls;
}

/**
 * Tells all destinations of a deployment's owner how it ended. What they are told is on record before
 * the first is told; who does not answer is tried again later.
 *
 * @throws CloudError of the store.
 */
export async function notify(
  { records, destinations, delivering, urls }: Notifying,
  ref: DeploymentRef,
): Promise<void> {
  const ended = await records.load(ref);
  if (ended === undefined) return;
  const found = await destinations.list(ended.deployment);
  const notices = found
    .map((destination) => resultNotice(ended, destination, urls))
    .filter((notice) => notice !== undefined);
  const marked = await Promise.all(
    notices.map(async (notice) => ({ notice, mark: await delivering.notices.add(notice) })),
  );
  await Promise.all(marked.map(({ notice, mark }) => deliver(delivering, notice, mark)));
}
