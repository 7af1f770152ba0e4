import * as v from 'valibot';
import { CloudError } from '../../errors.ts';
import { parseBranch, parseOwner, parseRepoName, parseSha } from '../../names.ts';
import { parseBody } from '../../webhooks/parse-body.ts';
import type { BranchPush, IgnoredEvent } from '../scm-event.ts';

/** The parts of a `push` event that we use; GitHub sends many more. */
const pushEventSchema = v.object({
  ref: v.string(),
  before: v.string(),
  after: v.string(),
  deleted: v.optional(v.boolean(), false),
  head_commit: v.optional(v.nullable(v.object({ message: v.string() }))),
  /** GitHub has a name here, Gitea a whole user. */
  pusher: v.object({ name: v.optional(v.string()), login: v.optional(v.string()) }),
  repository: v.object({
    id: v.number(),
    name: v.string(),
    full_name: v.string(),
    private: v.boolean(),
    internal: v.optional(v.boolean(), false),
    clone_url: v.string(),
    default_branch: v.string(),
    owner: v.object({ id: v.number(), login: v.string() }),
  }),
  installation: v.optional(v.object({ id: v.number() })),
});

const branchPrefix = 'refs/heads/';

/**
 * Reads the body of a `push` event of GitHub, or of an SCM that speaks as GitHub does.
 *
 * @param url The host that repos are cloned from. The body does not get to choose it: whoever
 * could would have our credentials sent there.
 * @param setting The variable that says so, for the message.
 * @throws CloudError `OFC_BAD_REQUEST` or `OFC_NAME_INVALID`
 * @see https://docs.github.com/en/webhooks/webhook-events-and-payloads#push
 */
export function parsePushEvent(
  body: string,
  url: string,
  setting = 'github_url',
): BranchPush | IgnoredEvent {
  const event = parseBody('push', pushEventSchema, body);
  const { ref, repository } = event;
  if (!ref.startsWith(branchPrefix)) {
    return {
      kind: 'ignored',
      why: `${JSON.stringify(ref.slice(0, 250))} is not a branch: it is not built.`,
    };
  }
  const branch = parseBranch(ref.slice(branchPrefix.length));
  const sha = parseSha(event.after);
  if (event.deleted || /^0+$/.test(sha)) {
    return {
      kind: 'ignored',
      why: `The branch "${branch}" was deleted: there is nothing to build.`,
    };
  }
  const owner = parseOwner(repository.owner.login);
  const repo = parseRepoName(repository.name);
  return {
    kind: 'branch',
    owner,
    ownerId: repository.owner.id,
    login: repository.owner.login,
    repo,
    repoId: repository.id,
    ...addresses(repository, url, setting),
    private: repository.private || repository.internal,
    branch,
    defaultBranch: parseBranch(repository.default_branch),
    sha,
    before: parseSha(event.before),
    pusher: (event.pusher.name ?? event.pusher.login ?? '').slice(0, 100),
    message: event.head_commit?.message ?? '',
    installationId: event.installation?.id,
  };
}

function addresses(
  repository: v.InferOutput<typeof pushEventSchema>['repository'],
  url: string,
  setting: string,
) {
  const fullName = `${repository.owner.login}/${repository.name}`;
  const repoUrl = `${url}/${fullName}`;
  const cloneUrl = `${repoUrl}.git`;
  if (repository.full_name !== fullName || repository.clone_url !== cloneUrl) {
    throw new CloudError(
      'OFC_BAD_REQUEST',
      `The clone address of ${fullName} is not ${cloneUrl}: only repos on ${url} are built.`,
      { hint: `For another server, the operator sets ${setting}.` },
    );
  }
  return { fullName, repoUrl, cloneUrl };
}
