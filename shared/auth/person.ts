import type { Identity } from '../messages/identity.ts';
import { parseOwner } from '../names.ts';

/** An organisation or group that somebody belongs to. */
export interface Group {
  /** As the provider spells it: `acme`, or `acme/platform` on GitLab. */
  readonly path: string;
  /** The provider's stable id, where it tells one. */
  readonly id?: string | undefined;
  /** Whether the person owns it, and is not just a member. */
  readonly admin: boolean;
}

/** A person as their provider knows them. */
export interface Person {
  /** The SCM at which they signed in, as in `Deployment.scm`: `github`, `gitlab`. */
  readonly provider: string;
  /** The provider's stable user id. A login can change hands, this cannot. */
  readonly id: string;
  readonly login: string;
  /** Organisations or groups, all of them. */
  readonly groups: readonly Group[];
}

/** Who owns a tenant's function, as its labels say. */
export interface FunctionOwner {
  readonly name: string;
  /** The provider's id of that account; empty if it is not known. */
  readonly id: string;
  readonly scm: string;
}

/** How a person stands to an owner: the owner, or somebody who belongs to it. */
export type Standing = 'owner' | 'member' | 'none';

/** The provider and the stable id, `github:1234`: what identifies a person here. */
export function subjectOf({ provider, id }: Pick<Person, 'provider' | 'id'>): string {
  return `${provider}:${id}`;
}

/**
 * How a person stands to an owner. Names of one provider say nothing about those of another, and
 * where both sides know the stable id, a name that changed hands does not count.
 */
export function standingOf(person: Person, owner: FunctionOwner): Standing {
  if (person.provider !== owner.scm) return 'none';
  const is = (name: string, id: string | undefined) =>
    name.toLowerCase() === owner.name.toLowerCase() &&
    (owner.id === '' || id === undefined || id === owner.id);
  // On GitLab the id of a personal owner is that of the name space, not of the person.
  const ownId = person.provider.startsWith('gitlab') ? undefined : person.id;
  if (is(person.login, ownId)) return 'owner';
  const group = person.groups.find(({ path, id }) => is(path, id));
  if (group === undefined) return 'none';
  return group.admin ? 'owner' : 'member';
}

/** What functions of the platform are told about a person. */
export function identityOf(
  person: Person,
  rights: Pick<Identity, 'operator' | 'readOnly' | 'byToken' | 'session'>,
): Identity {
  const { provider, id, login } = person;
  return { subject: subjectOf(person), provider, id, login, owners: ownersOf(person), ...rights };
}

/** The owners a person may see, lower case; a group whose name cannot be an owner's owns nothing. */
function ownersOf({ login, groups }: Person): string[] {
  const owners = [login, ...groups.map(({ path }) => path)].flatMap((name) => {
    try {
      return [String(parseOwner(name))];
    } catch {
      return [];
    }
  });
  return [...new Set(owners)];
}
