import { hostLabel } from '../names.ts';
import type { IndexedFunction } from './function-index.ts';
import { parseHost } from './host.ts';
import type { Site } from './site.ts';

/** The annotation that names hosts of its own for a function, separated by commas. */
export const customDomainAnnotation = 'com.openfaas.cloud.custom-domain';

/** The name below a host whose TXT record proves whose the host is. */
export const proofLabel = '_openfaas-cloud';

const maxPerFunction = 5;
const maxHosts = 10_000;

/**
 * The hosts that an annotation names, those which can be one: several labels, none of the platform's
 * own, no address. Others are left out.
 */
export function parseCustomDomains(text: string | undefined, { domain }: Site): string[] {
  if (text === undefined) return [];
  const hosts = text.split(',').map((part) => part.trim());
  const proper = hosts.flatMap((text) => {
    const name = text.includes(':') ? undefined : parseHost(text, domain);
    if (name?.kind !== 'foreign' || name.host === domain) return [];
    const { host } = name;
    const odd = host.endsWith(`.${domain}`) || !host.includes('.') || /\.[0-9]+$/.test(host);
    return odd ? [] : [host];
  });
  return [...new Set(proper)].slice(0, maxPerFunction);
}

/** Finds functions by hosts of their own. */
export interface CustomDomains {
  /** Takes the functions there are now, and begins to look for proofs. */
  update(functions: Iterable<IndexedFunction>): void;
  /** The function to which a host belongs, proven. */
  find(host: string): IndexedFunction | undefined;
  /** Resolves when the first look for the proof of a host is over; at once if nobody claims it. */
  looked(host: string): Promise<void>;
}

interface CustomDomainsOptions {
  readonly site: Site;
  /** TXT records, as `dns.promises.resolveTxt` gives them. */
  readonly resolveTxt: (name: string) => Promise<string[][]>;
  readonly onProblem: (message: string, host: string) => void;
  readonly now?: () => number;
}

interface Claimed {
  readonly host: string;
  claims: IndexedFunction[];
  /** Values of the TXT records, as they were last seen. */
  proofs: ReadonlySet<string>;
  lookedAt: number;
  looking: Promise<void> | undefined;
  winner: IndexedFunction | undefined;
  problem: string | undefined;
}

/** A proof is looked at again after this time, one that is missing sooner. */
const provenMs = 5 * 60_000;
const missingMs = 30_000;
/** How long a proof outlasts a name server that does not answer. */
const graceMs = 24 * 3_600_000;
const maxLookups = 16;

/**
 * Makes {@link CustomDomains}. A host belongs to a function if the function's annotation names it and
 * a TXT record at `_openfaas-cloud.<host>` holds the host of the function's owner, such as
 * `alice.example.com`; so neither an owner nor whoever has the domain can do it alone.
 *
 * Of several functions of one owner the first by name has it; if the records name several owners who
 * claim it, none has it until that is settled.
 */
export function createCustomDomains(options: CustomDomainsOptions): CustomDomains {
  const { site, resolveTxt, onProblem, now = () => performance.now() } = options;
  let hosts = new Map<string, Claimed>();
  let lookups = 0;
  const waiting: (() => void)[] = [];

  const decide = (claimed: Claimed): void => {
    const proven = claimed.claims.filter(({ owner }) =>
      claimed.proofs.has(`${hostLabel(owner)}.${site.domain}`),
    );
    const owners = new Set(proven.map(({ owner }) => owner));
    claimed.winner = owners.size === 1 ? proven[0] : undefined;
    const problem =
      owners.size > 1
        ? 'The records of a custom domain name several owners who claim it: none gets it.'
        : proven.length > 1
          ? 'Several functions of one owner claim a custom domain: the first by name gets it.'
          : undefined;
    if (problem !== undefined && problem !== claimed.problem) onProblem(problem, claimed.host);
    claimed.problem = problem;
  };
  const look = async (claimed: Claimed): Promise<void> => {
    if (lookups >= maxLookups) await new Promise<void>((resolve) => waiting.push(resolve));
    lookups++;
    const began = now();
    try {
      const records = await resolveTxt(`${proofLabel}.${claimed.host}`);
      claimed.proofs = new Set(records.map((parts) => parts.join('').trim().toLowerCase()));
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      const gone = code === 'ENOTFOUND' || code === 'ENODATA';
      if (gone || began - claimed.lookedAt > graceMs) claimed.proofs = new Set();
      if (!gone && claimed.winner !== undefined) return;
    } finally {
      lookups--;
      waiting.shift()?.();
      claimed.looking = undefined;
    }
    claimed.lookedAt = began;
    decide(claimed);
  };

  return {
    update(functions) {
      const before = hosts;
      hosts = new Map();
      const all = [...functions].filter(
        ({ annotations }) => annotations[customDomainAnnotation] !== undefined,
      );
      all.sort((a, b) => (a.service < b.service ? -1 : 1));
      for (const fn of all) {
        for (const host of parseCustomDomains(fn.annotations[customDomainAnnotation], site)) {
          let claimed = hosts.get(host);
          if (claimed === undefined) {
            if (hosts.size >= maxHosts) break;
            claimed = before.get(host) ?? unseen(host);
            claimed.claims = [];
            hosts.set(host, claimed);
          }
          claimed.claims.push(fn);
        }
      }
      for (const claimed of hosts.values()) {
        decide(claimed);
        const age = now() - claimed.lookedAt;
        if (claimed.looking !== undefined || age < (claimed.winner ? provenMs : missingMs))
          continue;
        claimed.looking = look(claimed);
      }
    },
    find: (host) => hosts.get(host)?.winner,
    looked: async (host) => hosts.get(host)?.looking,
  };
}

function unseen(host: string): Claimed {
  return {
    host,
    claims: [],
    proofs: new Set(),
    lookedAt: Number.NEGATIVE_INFINITY,
    looking: undefined,
    winner: undefined,
    problem: undefined,
  };
}
