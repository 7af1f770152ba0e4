import type { DeploymentRecords } from '../pipeline/states.ts';
import { functionState } from '../pipeline/states.ts';
import type { PublicUrls } from '../public-urls.ts';
import type { Destination } from './destinations.ts';
import { type Notice, noticeId } from './notices.ts';

/** Fits into a record, and into what receivers of webhooks take. */
const maxFunctions = 100;
const maxText = 1000;

/**
 * The notice that tells a destination how a deployment ended; `undefined` if it does not want to know,
 * or the deployment has not ended. The same result always gives the same notice.
 */
export function resultNotice(
  records: DeploymentRecords,
  destination: Destination,
  urls: PublicUrls,
): Notice | undefined {
  const { deployment, closed } = records;
  if (closed === undefined || closed.state === 'skipped') return undefined;
  if (destination.events === 'failed' && closed.state !== 'failed') return undefined;
  const { owner, repo, scm, id, branch, sha } = deployment;
  const type = `deployment.${closed.state}`;
  const title = `${owner}/${repo} ${branch} ${sha.slice(0, 7)}: ${closed.state}`;
  const text = closed.text.slice(0, maxText);
  const url = urls.deployment(deployment);
  const data = {
    owner,
    repo,
    scm,
    deployment: id,
    branch,
    sha,
    pusher: deployment.pusher,
    state: closed.state,
    text,
    url,
    functions: functionsOf(records),
  };
  const message = { type, timestamp: new Date(closed.at).toISOString(), data };
  return {
    id: noticeId(closed.at, `${id} ${destination.id}`),
    owner,
    scm,
    destination: destination.id,
    messageId: `msg_${id}`,
    type,
    title,
    createdAt: closed.at,
    body:
      destination.kind === 'slack'
        ? slackBody(`*${escapeSlack(title)}*\n${escapeSlack(text)}`, url)
        : JSON.stringify(message),
  };
}

/** A notice that only shows that notices arrive. */
export function testNotice(
  at: Pick<Notice, 'owner' | 'scm'>,
  destination: Destination,
  now: number,
): Notice {
  const { owner, scm } = at;
  const id = noticeId(now);
  const title = `A test for ${owner}`;
  const timestamp = new Date(now).toISOString();
  return {
    id,
    owner,
    scm,
    destination: destination.id,
    messageId: `msg_test-${id}`,
    type: 'test',
    title,
    createdAt: now,
    body:
      destination.kind === 'slack'
        ? slackBody(escapeSlack(title))
        : JSON.stringify({ type: 'test', timestamp, data: { owner, scm } }),
  };
}

/** Slack's three special characters: https://api.slack.com/reference/surfaces/formatting#escaping */
export function escapeSlack(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function slackBody(text: string, url?: string): string {
  return JSON.stringify({ text: url === undefined ? text : `${text}\n<${url}|Open>` });
}

function functionsOf(records: DeploymentRecords) {
  const planned = records.plan?.outcome === 'planned' ? records.plan.functions : [];
  return planned.slice(0, maxFunctions).map(({ key }) => {
    const deploy = records.deploys.get(key);
    const url = deploy?.outcome === 'live' ? deploy.url : null;
    return { name: key, state: functionState(records, key), url };
  });
}
