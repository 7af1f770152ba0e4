import { createHash } from 'node:crypto';
import { CloudError } from './errors.ts';
import { isPlatformFunction, isPlatformSecret } from './platform-names.ts';

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** A user, organisation or group that owns repos: lower case, as the provider spells it otherwise. */
export type Owner = Branded<'Owner'>;
/** A repo's name below its owner. */
export type RepoName = Branded<'RepoName'>;
/** A branch's short name, such as `main` or `feature/x`. */
export type Branch = Branded<'Branch'>;
/** A full commit id: 40 (SHA-1) or 64 (SHA-256) lower-case hex digits. */
export type Sha = Branded<'Sha'>;
/** A function's key in `stack.yml`: a DNS label, lower case. */
export type FunctionKey = Branded<'FunctionKey'>;
/** The name under which a tenant's function is deployed; see {@link serviceName}. */
export type ServiceName = Branded<'ServiceName'>;
/** A tenant's secret as it is named in the cluster; see {@link secretName}. */
export type SecretName = Branded<'SecretName'>;
/** The sub-domain of an owner: `alice` in `https://alice.example.com/hello`. */
export type HostLabel = Branded<'HostLabel'>;

/** Sub-domains that belong to the platform; no owner can have them. */
export const reservedOwners: ReadonlySet<string> = new Set([
  'system',
  'auth',
  'builder',
  'gateway',
  'registry',
  'www',
]);

const dnsLabel = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;
const maxDnsLabel = 63;

/**
 * Parses the login or group path of an owner. Case is folded, as GitHub and GitLab do.
 *
 * @throws CloudError `OFC_NAME_INVALID`
 */
export function parseOwner(text: unknown): Owner {
  const name = requireText('owner', text, 100).toLowerCase();
  if (!/^[a-z0-9_][a-z0-9._/-]*$/.test(name) || hasDotSegment(name)) throw invalid('owner', name);
  if (reservedOwners.has(name)) {
    throw new CloudError('OFC_NAME_INVALID', `The owner name "${name}" is used by the platform.`, {
      hint: 'Push from an account or organisation with another name.',
    });
  }
  return name as Owner;
}

/**
 * Parses a repo's name (GitHub: letters, digits, `.`, `_`, `-`). Case is kept.
 *
 * @throws CloudError `OFC_NAME_INVALID`
 */
export function parseRepoName(text: unknown): RepoName {
  const name = requireText('repo', text, 100);
  if (!/^[A-Za-z0-9._-]+$/.test(name) || hasDotSegment(name)) throw invalid('repo', name);
  return name as RepoName;
}

/**
 * Parses a branch's short name by the rules of `git check-ref-format`.
 *
 * @throws CloudError `OFC_NAME_INVALID`
 */
export function parseBranch(text: unknown): Branch {
  const name = requireText('branch', text, 244);
  const refused =
    /[\x00-\x20\x7f~^:?*[\\]|\.\.|@\{|\/\/|\.lock(?:\/|$)|(?:^|\/)\.|\.$|^\/|\/$|^-|^@$/.test(name);
  if (refused) throw invalid('branch', name);
  return name as Branch;
}

/**
 * Parses a full commit id. Abbreviations are refused: they can be ambiguous.
 *
 * @throws CloudError `OFC_NAME_INVALID`
 */
export function parseSha(text: unknown): Sha {
  const sha = requireText('commit', text, 64);
  if (!/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(sha)) throw invalid('commit', sha);
  return sha as Sha;
}

/** The first seven digits, as people write it. */
export function shortSha(sha: Sha): string {
  return sha.slice(0, 7);
}

/**
 * Parses a function's key of `stack.yml`: a DNS label.
 *
 * @throws CloudError `OFC_NAME_INVALID`
 */
export function parseFunctionKey(text: unknown): FunctionKey {
  const key = requireText('function', text, maxDnsLabel);
  if (!dnsLabel.test(key)) {
    throw new CloudError('OFC_NAME_INVALID', `The function name ${quote(key)} cannot be used.`, {
      hint: 'Use lower-case letters, digits and hyphens; begin and end with a letter or digit.',
    });
  }
  return key as FunctionKey;
}

/**
 * The deployed name of an owner's function: injective, lower case, a DNS label.
 *
 * The owner's hyphens are doubled, so the first odd run of hyphens is the separator: `alice` + `b-c`
 * is `alice-b-c`, `alice-b` + `c` is `alice--b-c`. Characters that a DNS label lacks follow four
 * hyphens, a run that doubling alone never makes.
 *
 * @throws CloudError `OFC_NAME_INVALID` over 63 characters, `OFC_NAME_TAKEN` if it is a name of the
 * platform (`git` + `tar`).
 */
export function serviceName(owner: Owner, key: FunctionKey): ServiceName {
  const name = joined('function', owner, key);
  if (isPlatformFunction(name)) throw taken('function', key, name);
  return name as ServiceName;
}

/**
 * The deployed name of a tenant's secret, by the same rule as {@link serviceName}.
 *
 * @throws CloudError `OFC_NAME_INVALID`, or `OFC_NAME_TAKEN` if it is a secret of the platform
 * (`payload` + `secret`).
 */
export function secretName(owner: Owner, name: string): SecretName {
  if (!dnsLabel.test(name)) throw invalid('secret', name);
  const full = joined('secret', owner, name);
  if (isPlatformSecret(full)) throw taken('secret', name, full);
  return full as SecretName;
}

/**
 * The other way round: how an owner names a secret of the cluster; `undefined` if it is not theirs.
 *
 * @example
 * shortSecretName(parseOwner('alice'), 'alice-b-c'); // 'b-c'
 * shortSecretName(parseOwner('alice'), 'alice--b-c'); // undefined: alice-b's
 */
export function shortSecretName(owner: Owner, full: string): string | undefined {
  const prefix = `${escapeOwner(owner)}-`;
  const name = full.slice(prefix.length);
  const isTheirs = full.startsWith(prefix) && dnsLabel.test(name) && full.length <= maxDnsLabel;
  return isTheirs && !isPlatformSecret(full) ? name : undefined;
}

/**
 * The sub-domain of an owner: the owner itself where that is a DNS label without doubled hyphens,
 * else its escaped form, which always holds doubled hyphens. So no two owners share one.
 *
 * @throws CloudError `OFC_NAME_INVALID` over 63 characters.
 */
export function hostLabel(owner: Owner): HostLabel {
  const plain = dnsLabel.test(owner) && !owner.includes('--');
  // Some old logins end with a hyphen, a label cannot.
  const label = plain ? owner : escapeOwner(owner).replace(/--$/, '----e');
  if (label.length > maxDnsLabel || !dnsLabel.test(label)) throw invalid('owner', owner);
  return label as string as HostLabel;
}

/**
 * `text` as a Kubernetes label value: as it is if it fits, else a prefix and a digest of the whole.
 * What looks like such a digest gets one too, so nobody can take a name that stands for another's.
 */
export function labelValue(text: string): string {
  const fits = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/.test(text);
  if (text === '' || (fits && !/(?:^|-)[0-9a-f]{20}$/.test(text))) return text;
  const digest = createHash('sha256').update(text).digest('hex').slice(0, 20);
  const prefix = text.replace(/[^A-Za-z0-9._-]/g, '-').replace(/^[^A-Za-z0-9]+/, '');
  return `${prefix.slice(0, 42)}${prefix === '' ? '' : '-'}${digest}`;
}

const escapes: Readonly<Record<string, string>> = {
  '-': '--',
  '--': '----h',
  '.': '----d',
  _: '----u',
  '/': '----s',
};

function escapeOwner(owner: string): string {
  return owner.replace(/--|[-._/]/g, (found) => escapes[found] ?? found);
}

function joined(what: string, owner: Owner, name: string): string {
  const full = `${escapeOwner(owner)}-${name}`;
  if (full.length > maxDnsLabel || !dnsLabel.test(full)) {
    throw new CloudError(
      'OFC_NAME_INVALID',
      `The ${what} "${name}" would be deployed as "${full}" (${full.length} characters), which is not a DNS label of at most ${maxDnsLabel}.`,
      { hint: `Give the ${what} a shorter name.` },
    );
  }
  return full;
}

function taken(what: string, name: string, full: string): CloudError {
  return new CloudError(
    'OFC_NAME_TAKEN',
    `The ${what} "${name}" would be named "${full}" here, which is a name of the platform.`,
    { hint: `Give the ${what} another name.` },
  );
}

function hasDotSegment(name: string): boolean {
  return name.split('/').some((part) => part === '' || part === '.' || part === '..');
}

function requireText(what: string, text: unknown, max: number): string {
  if (typeof text !== 'string' || text === '' || text.length > max) throw invalid(what, text);
  return text;
}

function invalid(what: string, text: unknown): CloudError {
  return new CloudError('OFC_NAME_INVALID', `The ${what} name ${quote(text)} cannot be used.`);
}

function quote(text: unknown): string {
  return typeof text === 'string' ? JSON.stringify(text.slice(0, 100)) : `(${typeof text})`;
}
