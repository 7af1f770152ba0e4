import type { Messages } from '#shared/pipeline/messages.ts';
import type { InstallationChange } from '#shared/scm/github/installation-event.ts';
import type { Answer } from './answer.ts';

/**
 * Follows a change of the app's installation. What we may not see any more is removed, whether or not
 * its owner still is a customer; nothing is built before somebody pushes.
 *
 * @throws CloudError of the gateway; the delivery can be sent again.
 */
export async function changeInstallation(
  messages: Pick<Messages, 'collectGarbage' | 'audit'>,
  event: string,
  change: Exclude<InstallationChange, { kind: 'ignored' }>,
): Promise<Answer> {
  const { owner } = change;
  if (change.kind === 'removed') {
    for (const repo of change.repos) {
      await messages.collectGarbage({ owner, repo, functions: [] });
    }
  }
  const message = change.kind === 'added' ? change.text : removedText(change.repos);
  await messages.audit({ source: 'github-event', message: message.slice(0, 2000), owner });
  return { status: 202, body: `Message received with event: ${event}` };
}

function removedText(repos: readonly string[]): string {
  return repos.includes('*') ? 'The app was uninstalled' : `Removed: ${repos.join(', ')}`;
}
