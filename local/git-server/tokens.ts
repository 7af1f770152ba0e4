import { createHash, randomBytes } from 'node:crypto';
import { readJsonFile, writeJsonFile } from './json-file.ts';

/** A token of the app for one installation (`ghs_…`). */
export interface InstallationToken {
  readonly kind: 'installation';
  readonly installationId: number;
  /** Only these repos; undefined = all of the owner. */
  readonly repositoryIds?: readonly number[];
  readonly permissions: Readonly<Record<string, string>>;
  readonly expiresAt: string;
}

/** A token of a signed-in person (`gho_…`). It does not expire, as with GitHub's OAuth apps. */
export interface UserToken {
  readonly kind: 'user';
  readonly login: string;
  readonly scope: string;
}

/** What a token stands for. */
export type TokenGrant = InstallationToken | UserToken;

/** Tokens that were handed out; only their digests are kept. */
export interface Tokens {
  issue(grant: TokenGrant): Promise<string>;
  find(token: string): TokenGrant | undefined;
}

/** GitHub revokes a person's oldest token when there are more than this. */
const maxPerUser = 10;

/** Opens the tokens kept in the file `path`. */
export function openTokens(path: string): Tokens {
  let grants = readJsonFile<Record<string, TokenGrant>>(path) ?? {};
  const digest = (token: string): string => createHash('sha256').update(token).digest('hex');
  const isOver = (grant: TokenGrant): boolean =>
    grant.kind === 'installation' && Date.parse(grant.expiresAt) <= Date.now();

  return {
    issue: async (grant) => {
      const token = `${grant.kind === 'user' ? 'gho' : 'ghs'}_${randomBytes(27).toString('hex').slice(0, 36)}`;
      const all = Object.entries(grants).filter(([, old]) => !isOver(old));
      const ofSameUser = all.filter(
        ([, old]) => grant.kind === 'user' && old.kind === 'user' && old.login === grant.login,
      );
      const revoked = new Set(ofSameUser.slice(0, Math.max(0, ofSameUser.length - maxPerUser + 1)));
      grants = Object.fromEntries([
        ...all.filter((entry) => !revoked.has(entry)),
        [digest(token), grant],
      ]);
      await writeJsonFile(path, grants);
      return token;
    },
    find: (token) => {
      const grant = grants[digest(token)];
      return grant === undefined || isOver(grant) ? undefined : grant;
    },
  };
}
