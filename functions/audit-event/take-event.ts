import { CloudError, errorMessage } from '#shared/errors.ts';
import type { Logger } from '#shared/log.ts';
import { type ReceivedRequest, receiveMessage, singleHeader } from '#shared/messages/receive.ts';
import { type Signer, signatureHeader } from '#shared/messages/signature.ts';
import type { ObjectStore } from '#shared/object-store/object-store.ts';
import { auditEventSchema } from '#shared/pipeline/messages.ts';
import { postToSlack } from './post-to-slack.ts';
import { recordEvent } from './record-event.ts';

/** What taking audit events works with. */
export interface Auditing {
  readonly signer: Signer;
  readonly store: ObjectStore;
  /** An incoming webhook; empty: none. */
  readonly slackUrl: string;
  readonly slackTimeoutMs: number;
}

/**
 * Records a signed audit event, then tells Slack. Slack may fail: the event is on record.
 *
 * @throws CloudError whose status is the answer.
 */
export async function takeEvent(
  { signer, store, slackUrl, slackTimeoutMs }: Auditing,
  request: ReceivedRequest,
  log: Pick<Logger, 'warn'>,
): Promise<void> {
  if (request.method !== 'POST') throw new CloudError('OFC_METHOD', 'Only POST is supported.');
  const event = receiveMessage(signer, 'audit-event', request, auditEventSchema);
  const signature = singleHeader(request, signatureHeader) ?? '';
  const isNew = await recordEvent(store, event, signature);
  if (!isNew || slackUrl === '') return;
  try {
    await postToSlack(slackUrl, event, slackTimeoutMs);
  } catch (error) {
    log.warn('Slack was not told.', { error: errorMessage(error) });
  }
}
