import axios from 'axios';
import { escapeSlack } from '#shared/notifications/result-notice.ts';
import type { AuditEvent } from '#shared/pipeline/messages.ts';

/** An audit event as the original words it, with Slack's three special characters escaped. */
export function slackText({ source, owner = '', repo = '', message }: AuditEvent): string {
  return escapeSlack(`[${source}] ${owner}/${repo}: '${message}'`);
}

/**
 * Posts an audit event to an incoming webhook of Slack.
 *
 * @throws Error if Slack refuses it or does not answer in time. The URL is a secret: nothing of it is
 * in the message.
 */
export async function postToSlack(
  url: string,
  event: AuditEvent,
  timeoutMs: number,
): Promise<void> {
  const signal = AbortSignal.timeout(timeoutMs);
  const options = { signal, maxRedirects: 0, maxContentLength: 64 * 1024 };
  const answer = await axios
    .post(url, { text: slackText(event) }, { ...options, validateStatus: () => true })
    .catch(() => undefined);
  if (answer === undefined) throw new Error('Slack did not answer.');
  if (answer.status >= 300) throw new Error(`Slack answered ${answer.status}.`);
}
