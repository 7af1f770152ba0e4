import * as v from 'valibot';
import { CloudError, errorMessage } from '#shared/errors.ts';
import type { Logger } from '#shared/log.ts';
import { type ReceivedRequest, receiveMessage, singleHeader } from '#shared/messages/receive.ts';
import { type Signer, signatureHeader } from '#shared/messages/signature.ts';
import type { ObjectStore } from '#shared/object-store/object-store.ts';
import { type DeploymentRef, deploymentRefSchema } from '#shared/pipeline/deployment.ts';
import {
  type AuditEvent,
  auditEventSchema,
  deliverMessageSchema,
} from '#shared/pipeline/messages.ts';
import { postToSlack } from './post-to-slack.ts';
import { recordEvent } from './record-event.ts';

/** What taking audit events works with. */
export interface Auditing {
  readonly signer: Signer;
  readonly store: ObjectStore;
  /** An incoming webhook; empty: none. */
  readonly slackUrl: string;
  readonly slackTimeoutMs: number;
  /** Tells an owner's destinations how a deployment ended. */
  readonly notify: (ref: DeploymentRef) => Promise<void>;
  /** Delivers the notices that are due. */
  readonly deliverDue: () => Promise<unknown>;
}

const messageSchema = v.union([deliverMessageSchema, auditEventSchema]);

/**
 * Records a signed audit event, then tells Slack, and the owner's destinations if it is the end of a
 * deployment. Slack may fail: the event is on record. A signed wish to deliver what is due is met, too.
 *
 * @throws CloudError whose status is the answer.
 */
export async function takeEvent(
  { signer, store, slackUrl, slackTimeoutMs, notify, deliverDue }: Auditing,
  request: ReceivedRequest,
  log: Pick<Logger, 'warn'>,
): Promise<void> {
  if (request.method !== 'POST') throw new CloudError('OFC_METHOD', 'Only POST is supported.');
  const event = receiveMessage(signer, 'audit-event', request, messageSchema);
  if ('do' in event) return void (await deliverDue());
  const signature = singleHeader(request, signatureHeader) ?? '';
  const isNew = await recordEvent(store, event, signature);
  if (isNew && slackUrl !== '') {
    await postToSlack(slackUrl, event, slackTimeoutMs).catch((error: unknown) => {
      log.warn('Slack was not told.', { error: errorMessage(error) });
    });
  }
  // Also if it is not new: a first try may have ended before this.
  const ref = endedDeployment(event);
  if (ref !== undefined) await notify(ref);
}

/** The deployment that an event is the verdict of. */
function endedDeployment({ source, owner, repo, deployment }: AuditEvent) {
  if (source !== 'buildshiprun' || deployment === undefined) return undefined;
  const parsed = v.safeParse(deploymentRefSchema, { owner, repo, id: deployment });
  return parsed.success ? parsed.output : undefined;
}
