import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { CloudError } from '../errors.ts';
import { parseBranch, parseOwner, parseRepoName, parseSha, type Sha, shortSha } from '../names.ts';
import { parseScmId } from '../scm/scm-id.ts';

declare const brand: unique symbol;
/** Identifies a deployment; in lexical order the older push comes first. See {@link deploymentId}. */
export type DeploymentId = string & { readonly [brand]: 'DeploymentId' };

const idPattern = /^[0-9a-z]{9}-[0-9a-f]{7}-[0-9a-f]{8}$/;

/** How often a failed delivery can be sent again: what two hex digits of an id can count. */
export const maxAttempts = 255;

/**
 * The id of the deployment that one webhook delivery asks for: the time of its arrival, the commit,
 * the attempt and a digest of the delivery. The same delivery always gives the same id, and a later
 * attempt a greater one.
 *
 * @param receivedAt When the delivery came first, in milliseconds since 1970.
 * @param attempt 1, or more when a failed delivery was sent again; at most {@link maxAttempts}.
 */
export function deploymentId(
  receivedAt: number,
  sha: Sha,
  delivery: string,
  attempt: number,
): DeploymentId {
  const time = receivedAt.toString(36).padStart(9, '0');
  const count = attempt.toString(16).padStart(2, '0');
  const digest = createHash('sha256').update(delivery).digest('hex').slice(0, 6);
  return `${time}-${shortSha(sha)}-${count}${digest}` as DeploymentId;
}

/** When the webhook came that an id was made for, in milliseconds since 1970. */
export function receivedAt(id: DeploymentId): number {
  return Number.parseInt(id.slice(0, 9), 36);
}

/** @throws CloudError `OFC_BAD_REQUEST` */
export function parseDeploymentId(text: unknown): DeploymentId {
  if (typeof text !== 'string' || !idPattern.test(text)) {
    throw new CloudError('OFC_BAD_REQUEST', 'That is not the id of a deployment.');
  }
  return text as DeploymentId;
}

/** A field that one of our parsers reads; its refusal becomes a schema issue. */
export function parsedBy<T>(parse: (text: unknown) => T) {
  return v.pipe(
    v.unknown(),
    v.rawTransform<unknown, T>(({ dataset, addIssue, NEVER }) => {
      try {
        return parse(dataset.value);
      } catch (error) {
        addIssue({ message: error instanceof Error ? error.message : 'invalid' });
        return NEVER;
      }
    }),
  );
}

/** Names one deployment; the body of most messages. */
export const deploymentRefSchema = v.object({
  owner: parsedBy(parseOwner),
  repo: parsedBy(parseRepoName),
  id: parsedBy(parseDeploymentId),
});
export type DeploymentRef = v.InferOutput<typeof deploymentRefSchema>;

/** Where a deployment comes from that nobody pushed: somebody asked for an earlier one again. */
export const originSchema = v.object({
  /** `roll-back`: its images, without a build. `redeploy`: its commit, as if it were pushed. */
  kind: v.picklist(['roll-back', 'redeploy']),
  /** The earlier deployment. */
  of: parsedBy(parseDeploymentId),
  /** Who asked, such as `github:1234`. */
  by: v.string(),
});
export type Origin = v.InferOutput<typeof originSchema>;

/** What was pushed, by whom and when: written once, never changed. */
export const deploymentSchema = v.object({
  ...deploymentRefSchema.entries,
  /** Which of the configured SCMs it was pushed to. */
  scm: parsedBy(parseScmId),
  /** Stable numeric ids of the provider; names can change. */
  ownerId: v.number(),
  repoId: v.number(),
  /** As the provider spells it, for people and for the provider's API. */
  fullName: v.string(),
  private: v.boolean(),
  cloneUrl: v.string(),
  repoUrl: v.string(),
  branch: parsedBy(parseBranch),
  sha: parsedBy(parseSha),
  /** The commit the branch pointed to before; all zeros for a new branch. */
  before: parsedBy(parseSha),
  /** Milliseconds since 1970 at which the webhook came. */
  receivedAt: v.number(),
  pusher: v.string(),
  origin: v.optional(originSchema),
  /** The GitHub App's installation, where there is one. */
  installationId: v.optional(v.number()),
  /** The `traceparent` of the webhook: the trace in which all steps are spans. */
  trace: v.optional(v.string()),
  /** Set if this push is recorded but not built, with the reason. */
  skip: v.optional(v.string()),
});
export type Deployment = v.InferOutput<typeof deploymentSchema>;

/** Names the deployment without the rest. */
export function refOf({ owner, repo, id }: DeploymentRef): DeploymentRef {
  return { owner, repo, id };
}
