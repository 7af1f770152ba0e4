import type { FunctionKey, Owner, RepoName, Sha } from '../names.ts';
import { keyPart } from '../object-store/keys.ts';

/** Which build log it is. */
export interface LogName {
  readonly owner: Owner;
  readonly repo: RepoName;
  readonly sha: Sha;
  readonly function: FunctionKey;
}

/** A part of a log that is being written, as its key tells it. */
export interface PartKey {
  readonly key: string;
  readonly run: string;
  readonly seq: number;
  /** The last part of its run. */
  readonly final: boolean;
}

/** What the keys of all logs of a repo begin with. */
export function repoLogsPrefix(owner: Owner, repo: RepoName): string {
  return `logs/${keyPart(owner)}/${keyPart(repo)}/`;
}

function folder({ owner, repo, sha, function: name }: LogName): string {
  return `${repoLogsPrefix(owner, repo)}${sha}/${keyPart(name)}/`;
}

/** The key of the whole log. */
export function logKey(name: LogName): string {
  return `${folder(name)}build.log`;
}

/** The key of the record that says which run the whole log is of. */
export function summaryKey(name: LogName): string {
  return `${folder(name)}summary.json`;
}

/** What the keys of all parts begin with. */
export function partsPrefix(name: LogName): string {
  return `${folder(name)}parts/`;
}

/** The key of one part; {@link parsePartKey} reads it. Keys of a run are in the order of its parts. */
export function partKey(name: LogName, run: string, seq: number, final: boolean): string {
  const number = String(seq).padStart(6, '0');
  return `${partsPrefix(name)}${keyPart(run)}/${number}${final ? '.final' : ''}`;
}

/** Reads a key below {@link partsPrefix}; `undefined` if it is none of ours. */
export function parsePartKey(name: LogName, key: string): PartKey | undefined {
  const match = /^([^/]+)\/(\d{6})(\.final)?$/.exec(key.slice(partsPrefix(name).length));
  if (match === null) return undefined;
  const [, run = '', seq, final] = match;
  return { key, run, seq: Number(seq), final: final !== undefined };
}
