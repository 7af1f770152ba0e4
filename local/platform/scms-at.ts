import { randomBytes } from 'node:crypto';
import { CloudError } from '#shared/errors.ts';
import type { SecretStore } from '../secrets/secret-store.ts';
import type { MoreScms } from './more-scms.ts';

/** Kinds of SCM that `npm start` can be pointed at. GitHub's part is played by the embedded git server. */
export const otherScmKinds = ['gitlab', 'gitea'] as const;
type OtherScm = (typeof otherScmKinds)[number];

/** Where they are. */
export type ScmAddresses = Readonly<Partial<Record<OtherScm, string | undefined>>>;

interface Needs {
  /** The variable with the address. */
  readonly address: string;
  /** What only the operator can give. */
  readonly token: string;
  /** Secrets that functions get beside what stack.yml says, if they exist. */
  readonly optional: readonly (readonly [fn: string, secret: string])[];
}

const needs: Readonly<Record<OtherScm, Needs>> = {
  gitlab: {
    address: 'gitlab_instance',
    token: 'gitlab-api-token',
    optional: [
      ['git-tar', 'gitlab-api-token'],
      ['git-tar', 'gitlab-deploy-token'],
      ['gitlab-event', 'gitlab-signing-token'],
    ],
  },
  gitea: {
    address: 'gitea_url',
    token: 'gitea-api-token',
    optional: [['git-tar', 'gitea-clone-token']],
  },
};

/**
 * What the platform needs for SCMs at these addresses. The secret of their webhooks is made at the first
 * start; the token of their API must be there.
 *
 * @param folder Where the secrets lie, for the message.
 * @throws CloudError `OFC_CONFIG` that says where to put a token that is missing.
 */
export async function scmsAt(
  addresses: ScmAddresses,
  store: SecretStore,
  folder: string,
): Promise<MoreScms> {
  const present = new Set(await store.list());
  const kinds = otherScmKinds.filter((kind) => addresses[kind] !== undefined);
  const environment: Record<string, string> = {};
  const moreSecrets: Record<string, string[]> = {};
  for (const kind of kinds) {
    const { address, token, optional } = needs[kind];
    if (!present.has(token)) {
      throw new CloudError('OFC_CONFIG', `--${kind} needs the secret ${token}.`, {
        hint: `Write a token of its API to ${folder}/${token}; docs/operators.md says with which rights.`,
      });
    }
    const webhook = `${kind}-webhook-secret`;
    if (!present.has(webhook)) {
      await store.create(webhook, Buffer.from(randomBytes(32).toString('base64url')));
    }
    environment[address] = addresses[kind] ?? '';
    for (const [fn, secret] of optional) {
      if (present.has(secret)) moreSecrets[fn] = [...(moreSecrets[fn] ?? []), secret];
    }
  }
  return { kinds, environment, secrets: {}, moreSecrets };
}
