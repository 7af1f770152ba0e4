import type { Customers } from '#shared/customers.ts';
import { CloudError } from '#shared/errors.ts';
import type { ObjectStore } from '#shared/object-store/object-store.ts';
import type { Messages, PushMessage } from '#shared/pipeline/messages.ts';
import type { Records } from '#shared/pipeline/records.ts';
import type { BranchPush } from '#shared/scm/github/push-event.ts';
import { acceptDelivery, type Delivery } from '#shared/webhooks/deliveries.ts';
import { skipMarker } from '#shared/webhooks/skip-ci.ts';
import type { Answer } from './answer.ts';

/** What accepting a push works with. */
export interface Accepting {
  /** `undefined`: everybody is a customer. */
  readonly customers: Pick<Customers, 'has'> | undefined;
  readonly store: ObjectStore;
  readonly records: Pick<Records, 'load'>;
  readonly messages: Pick<Messages, 'pushed' | 'audit' | 'collectGarbage'>;
  readonly now: () => number;
}

/**
 * Records a push and hands it to github-push. One write and one message: GitHub waits for the answer.
 *
 * @throws CloudError `OFC_NOT_CUSTOMER`, or those of the store, the queue and the customers list.
 */
export async function acceptPush(
  deps: Accepting,
  deliveryId: string,
  push: BranchPush,
): Promise<Answer> {
  const { owner, repo, sha } = push;
  await requireCustomer(deps, push);
  const of = { scm: 'github', delivery: deliveryId, owner, repo, sha } as const;
  const { delivery, start } = await acceptDelivery(deps, of);
  const names = { deployment: delivery.id, owner, repo, sha };
  if (!start) return { status: 202, body: { result: 'already received', ...names } };
  await deps.messages.pushed(pushMessage(push, delivery));
  return { status: 202, body: { result: 'accepted', ...names } };
}

async function requireCustomer({ customers, messages }: Accepting, push: BranchPush) {
  if (customers === undefined || (await customers.has(push.owner))) return;
  const { owner, repo } = push;
  await messages.audit({ source: 'github-event', message: 'Customer not found', owner, repo });
  throw new CloudError('OFC_NOT_CUSTOMER', `Customer: "${push.login}" not found in customers ACL`, {
    hint: 'The operator of this platform can add it.',
  });
}

function pushMessage(push: BranchPush, delivery: Delivery): PushMessage {
  const { kind: _kind, login: _login, message, installationId, ...rest } = push;
  const marker = skipMarker(message);
  return {
    ...rest,
    id: delivery.id,
    scm: 'github',
    receivedAt: delivery.receivedAt,
    ...(installationId === undefined ? {} : { installationId }),
    ...(marker === undefined
      ? {}
      : { skip: `The commit message says ${marker}: it is not built.` }),
  };
}
