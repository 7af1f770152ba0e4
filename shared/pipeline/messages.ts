import * as v from 'valibot';
import { CloudError } from '../errors.ts';
import type { GatewayClient } from '../gateway/gateway-client.ts';
import { signedCallbackUrl } from '../messages/callback-url.ts';
import { maxMessageBytes } from '../messages/receive.ts';
import { type Signer, signatureHeader } from '../messages/signature.ts';
import type { FunctionKey } from '../names.ts';
import { scmKind } from '../scm/scm-id.ts';
import {
  type Deployment,
  type DeploymentRef,
  deploymentRefSchema,
  deploymentSchema,
  refOf,
} from './deployment.ts';

/** The message for a push function: a deployment, and what decides whether it is built. */
export const pushMessageSchema = v.object({
  ...deploymentSchema.entries,
  defaultBranch: deploymentSchema.entries.branch,
});
export type PushMessage = v.InferOutput<typeof pushMessageSchema>;

/** The message for of-builder: one function of one deployment. */
export const buildMessageSchema = v.object({
  ...deploymentRefSchema.entries,
  function: v.custom<FunctionKey>((value) => typeof value === 'string'),
});

/** The message for garbage-collect: what of an owner's repo may stay. */
export const garbageMessageSchema = v.object({
  owner: deploymentRefSchema.entries.owner,
  /** One repo, or `*` for everything of the owner. */
  repo: v.union([v.literal('*'), deploymentRefSchema.entries.repo]),
  /** Keys of the functions that stay. */
  functions: v.array(v.string()),
  /** Only these functions go, and nothing else of the owner: somebody deleted them. */
  only: v.optional(v.array(v.string())),
  /** Functions that came from another SCM, or from another repo if one is named, stay. */
  from: v.optional(
    v.object({
      scm: deploymentSchema.entries.scm,
      repoId: v.optional(deploymentSchema.entries.repoId),
    }),
  ),
  /** Given at the end of a deployment: only its branch is cleaned, and nothing newer than itself. */
  of: v.optional(
    v.object({
      branch: deploymentSchema.entries.branch,
      id: deploymentRefSchema.entries.id,
    }),
  ),
});
export type GarbageMessage = v.InferOutput<typeof garbageMessageSchema>;

/** One entry of the audit trail. */
export const auditEventSchema = v.object({
  source: v.string(),
  message: v.string(),
  owner: v.optional(v.string()),
  repo: v.optional(v.string()),
  deployment: v.optional(v.string()),
  /** Who did it, such as `github:1234`, if a person did. */
  actor: v.optional(v.string()),
});
export type AuditEvent = v.InferOutput<typeof auditEventSchema>;

/** The message for audit-event: deliver the notices that are due. */
export const deliverMessageSchema = v.object({ do: v.literal('deliver') });

/** Sends the pipeline's messages: signed, asynchronous, through the gateway's queue. */
export interface Messages {
  /** → the push function of its SCM: a verified push. */
  pushed(push: PushMessage): Promise<void>;
  /** → git-tar, which calls buildshiprun back. */
  plan(ref: DeploymentRef): Promise<void>;
  /** → of-builder, which calls buildshiprun back. */
  build(ref: DeploymentRef, key: FunctionKey): Promise<void>;
  /** → buildshiprun: look at the records and go on. */
  advance(ref: DeploymentRef): Promise<void>;
  /** → the status function of the deployment's SCM: bring its checks up to date. */
  status(of: DeploymentRef & Pick<Deployment, 'scm'>): Promise<void>;
  /** → garbage-collect: remove what an owner's repo no longer declares. */
  collectGarbage(message: GarbageMessage): Promise<void>;
  /** → import-secrets: remove the secrets that an owner's repo does not seal any more. */
  pruneSecrets(message: GarbageMessage): Promise<void>;
  /** → audit-event. A failure is swallowed: no deployment fails for want of an audit entry. */
  audit(event: AuditEvent): Promise<void>;
  /** → audit-event: deliver the notices that are due. */
  deliverNotices(): Promise<void>;
}

/** An entry is one line or a few; the reasons in full are elsewhere. */
const maxAuditLength = 4096;

/** The parameters of a callback to buildshiprun. */
export type CallbackQuery = Readonly<Record<'owner' | 'repo' | 'id' | 'claim', string>>;

/**
 * Makes {@link Messages}. Each call fails with the errors of the gateway client, or with `OFC_TOO_LARGE`
 * before anything is sent.
 *
 * @param gatewayUrl Base URL under which the queue worker reaches the gateway.
 */
export function createMessages(
  gateway: Pick<GatewayClient, 'invokeAsync'>,
  signer: Signer,
  gatewayUrl: string,
): Messages {
  const send = async (receiver: string, message: object, callbackUrl?: string): Promise<void> => {
    const body = JSON.stringify(message);
    // Nobody would take it, and a queue refuses it with less to say.
    if (Buffer.byteLength(body) > maxMessageBytes) {
      throw new CloudError(
        'OFC_TOO_LARGE',
        `The message for ${receiver} is over ${maxMessageBytes} bytes.`,
        { hint: 'Shorten the names of branch, repo or functions.' },
      );
    }
    const signature = signer.sign({ receiver, method: 'POST', path: '/', body });
    await gateway.invokeAsync(receiver, body, {
      headers: {
        [signatureHeader]: signature,
        ...(callbackUrl === undefined ? {} : { 'x-callback-url': callbackUrl }),
      },
    });
  };
  const callback = (ref: DeploymentRef, claim: string) =>
    signedCallbackUrl(signer, gatewayUrl, 'buildshiprun', { ...refOf(ref), claim });

  return {
    pushed: (push) => send(`${scmKind(push.scm)}-push`, push),
    plan: (ref) => send('git-tar', refOf(ref), callback(ref, 'plan')),
    build: (ref, key) =>
      send('of-builder', { ...refOf(ref), function: key }, callback(ref, `build/${key}`)),
    advance: (ref) => send('buildshiprun', refOf(ref)),
    status: (of) => send(`${scmKind(of.scm)}-status`, refOf(of)),
    collectGarbage: (message) => send('garbage-collect', message),
    pruneSecrets: (message) => send('import-secrets', { do: 'prune', message }),
    audit: (event) => {
      const message = event.message.slice(0, maxAuditLength);
      return send('audit-event', { ...event, message }).catch(() => undefined);
    },
    deliverNotices: () => send('audit-event', { do: 'deliver' }),
  };
}
