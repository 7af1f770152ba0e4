import type { ReceivedRequest } from '../messages/receive.ts';
import type { Owner } from '../names.ts';
import type { ScmEvent } from './scm-event.ts';
import type { ScmId } from './scm-id.ts';

/** The webhooks of one configured SCM. */
export interface ScmWebhooks {
  readonly scm: ScmId;
  /**
   * Checks on the raw bytes that this SCM sent the request; nothing is parsed before that holds. It
   * alone decides whose event it is: no host or name in the request does.
   *
   * @throws CloudError `OFC_UNAUTHENTICATED`
   */
  verify(request: ReceivedRequest): Promise<void>;
  /**
   * What a verified request says.
   *
   * @throws CloudError `OFC_BAD_REQUEST`, `OFC_NAME_INVALID`, or `OFC_UPSTREAM` of the SCM's API.
   */
  read(request: ReceivedRequest): Promise<ScmDelivery>;
  /** The name that an owner has now, by the stable id; where the SCM tells of renames. */
  ownerName?(id: number): Promise<Owner | undefined>;
}

/** One event, with the SCM's id of its delivery: the same when it is sent again. */
export interface ScmDelivery {
  readonly delivery: string;
  /** The event's name, as the SCM has it. */
  readonly name: string;
  readonly event: ScmEvent;
}
