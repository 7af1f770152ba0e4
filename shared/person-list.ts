import type { Person } from './auth/person.ts';

/**
 * A list of people and owners, as the customers list and the list of operators are written:
 *
 * - `alice`: the login, organisation or group of that name, at any provider
 * - `github:alice`, `gitlab:acme/platform`: the same, at one provider
 * - `org:acme`: an organisation (GitHub, Gitea)
 * - `group:acme/platform`: a group (GitLab)
 * - `id:github:12345`: a person or organisation by the provider's stable id
 *
 * A person is on the list by their own name or by that of an organisation or group they belong to.
 * An owner below a listed group (`acme/platform` below `acme`) is on it too.
 */
export interface PersonList {
  readonly size: number;
  admits(person: Person): boolean;
  /** @param at Where `owner` is a name; the id matters for lines that begin with `id:`. */
  hasOwner(owner: string, at: { readonly provider: string; readonly id?: string }): boolean;
}

const name = '[a-z0-9_][a-z0-9._/-]{0,99}';
const entry = new RegExp(
  `^(?:(?:[a-z][a-z0-9-]{0,39}:)?${name}|id:[a-z][a-z0-9-]{0,39}:[a-z0-9_-]{1,64})$`,
);

/**
 * Parses one entry; case is folded.
 *
 * @throws Error that does not quote it: it may be a line of something else altogether.
 */
export function parseEntry(text: string): string {
  const found = text.trim().toLowerCase();
  if (!entry.test(found)) throw new Error('is not a login, and none of org:, group: and id:');
  return found;
}

/** Makes a {@link PersonList} of parsed entries. */
export function createPersonList(entries: Iterable<string>): PersonList {
  const known: ReadonlySet<string> = new Set(entries);
  const hasName = (provider: string, text: string, isPerson: boolean): boolean => {
    const lower = text.toLowerCase();
    if (known.has(lower) || known.has(`${provider}:${lower}`)) return true;
    return !isPerson && known.has(`${groupWord(provider)}:${lower}`);
  };
  const hasId = (provider: string, id: string | undefined): boolean =>
    id !== undefined && id !== '' && known.has(`id:${provider}:${id.toLowerCase()}`);
  return {
    size: known.size,
    admits({ provider, id, login, groups }) {
      if (hasId(provider, id) || hasName(provider, login, true)) return true;
      // GitLab numbers groups and people apart, so a group's id could be somebody's.
      const countsId = groupWord(provider) === 'org';
      return groups.some(
        (group) => hasName(provider, group.path, false) || (countsId && hasId(provider, group.id)),
      );
    },
    hasOwner(owner, { provider, id }) {
      if (hasId(provider, id)) return true;
      const parts = owner.trim().split('/');
      return parts.some((_, index) =>
        hasName(provider, parts.slice(0, index + 1).join('/'), false),
      );
    },
  };
}

function groupWord(provider: string): 'org' | 'group' {
  return provider.startsWith('gitlab') ? 'group' : 'org';
}
