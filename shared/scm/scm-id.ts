import { CloudError } from '../errors.ts';

/** The kinds of SCM (source code management) that the platform speaks with. Gitea is also Forgejo. */
export const scmKinds = ['github', 'gitlab', 'gitea'] as const;
export type ScmKind = (typeof scmKinds)[number];

/**
 * One SCM as the operator configured it: the first of its kind has the kind's name, a further one
 * (`github-enterprise`, `gitlab-work`) a name of its own behind that.
 */
export type ScmId = ScmKind | `${ScmKind}-${string}`;

/** `previous` would make the name of its secrets that of a secret in rotation. */
const idPattern = new RegExp(`^(?:${scmKinds.join('|')})(?:-(?!previous$)[a-z][a-z0-9]{0,19})?$`);

/** @throws CloudError `OFC_BAD_REQUEST` */
export function parseScmId(text: unknown): ScmId {
  if (typeof text !== 'string' || !idPattern.test(text)) {
    throw new CloudError(
      'OFC_BAD_REQUEST',
      `${JSON.stringify(text)?.slice(0, 60)} names no SCM: it is ${scmKinds.join(', ')}, or one of these with a name behind it, such as gitlab-work.`,
    );
  }
  return text as ScmId;
}

/** What kind of SCM it is. */
export function scmKind(id: ScmId): ScmKind {
  return scmKinds.find((kind) => id === kind || id.startsWith(`${kind}-`)) ?? 'github';
}
