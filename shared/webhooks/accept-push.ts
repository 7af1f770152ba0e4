import type { Customers } from '../customers.ts';
import { CloudError } from '../errors.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import { currentTraceparent } from '../observe/trace-context.ts';
import type { Messages, PushMessage } from '../pipeline/messages.ts';
import type { Records } from '../pipeline/records.ts';
import type { OwnerClaims } from '../scm/owner-claims.ts';
import type { BranchPush } from '../scm/scm-event.ts';
import { type ScmId, scmKind } from '../scm/scm-id.ts';
import type { Answer } from './answer.ts';
import { acceptDelivery, type Delivery } from './deliveries.ts';
import { skipMarker } from './skip-ci.ts';

/** What accepting a push works with. */
export interface Accepting {
  /** `undefined`: everybody is a customer. */
  readonly customers: Pick<Customers, 'has'> | undefined;
  readonly store: ObjectStore;
  readonly owners: OwnerClaims;
  readonly records: Pick<Records, 'load'>;
  readonly messages: Pick<Messages, 'pushed' | 'audit' | 'collectGarbage'>;
  readonly now: () => number;
}

/** Where a push comes from. */
interface Source {
  readonly scm: ScmId;
  readonly delivery: string;
}

/**
 * Records a push and hands it to the push function. One write and one message, once the owner is known:
 * the SCM waits for the answer.
 *
 * @throws CloudError `OFC_NOT_CUSTOMER`, `OFC_NAME_TAKEN`, or those of the store, the queue and the customers list.
 */
export async function acceptPush(
  deps: Accepting,
  source: Source,
  push: BranchPush,
): Promise<Answer> {
  const { owner, repo, sha } = push;
  await requireCustomer(deps, source, push);
  await deps.owners.claim(owner, { scm: source.scm, id: push.ownerId });
  const { delivery, start } = await acceptDelivery(deps, { ...source, owner, repo, sha });
  const names = { deployment: delivery.id, owner, repo, sha };
  if (!start) return { status: 202, body: { result: 'already received', ...names } };
  await deps.messages.pushed(pushMessage(source.scm, push, delivery));
  return { status: 202, body: { result: 'accepted', ...names } };
}

async function requireCustomer(
  { customers, messages }: Accepting,
  { scm }: Source,
  { owner, ownerId, repo, login }: BranchPush,
): Promise<void> {
  if (customers === undefined) return;
  if (await customers.has(owner, { provider: scm, id: String(ownerId) })) return;
  // Who has a group has its subgroups.
  for (let end = owner.lastIndexOf('/'); end > 0; end = owner.lastIndexOf('/', end - 1)) {
    if (await customers.has(owner.slice(0, end), { provider: scm })) return;
  }
  const source = `${scmKind(scm)}-event`;
  await messages.audit({ source, message: 'Customer not found', owner, repo });
  throw new CloudError('OFC_NOT_CUSTOMER', `Customer: "${login}" not found in customers ACL`, {
    hint: 'The operator of this platform can add it.',
  });
}

function pushMessage(scm: ScmId, push: BranchPush, delivery: Delivery): PushMessage {
  const { kind: _kind, login: _login, message, installationId, ...rest } = push;
  const marker = skipMarker(message);
  const trace = currentTraceparent();
  return {
    ...rest,
    id: delivery.id,
    scm,
    receivedAt: delivery.receivedAt,
    ...(installationId === undefined ? {} : { installationId }),
    ...(trace === undefined ? {} : { trace }),
    ...(marker === undefined
      ? {}
      : { skip: `The commit message says ${marker}: it is not built.` }),
  };
}
