import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import axios from 'axios';
import type { Person } from './auth/person.ts';
import type { Settings } from './config.ts';
import { CloudError, errorMessage } from './errors.ts';
import { createPersonList, type PersonList, parseEntry } from './person-list.ts';
import { secretFolder } from './secrets.ts';

/** Where the list of customers comes from; a file wins over a URL. There is no default. */
export interface CustomersConfig {
  readonly path?: string | undefined;
  readonly url?: string | undefined;
  /** How long a list holds. */
  readonly refreshMs?: number;
  readonly maxBytes?: number;
  readonly timeoutMs?: number;
  /** Where the last good list is kept, so that it outlives this process. */
  readonly backup?: {
    load(): Promise<string | undefined>;
    save(list: string): Promise<void>;
  };
  /** Is told when the source begins to fail, and when it is well again. */
  readonly onChange?: (health: CustomersHealth) => void;
}

/** How the list is doing, for health checks and logs. */
export interface CustomersHealth {
  readonly ok: boolean;
  /** How many customers the list in use has. */
  readonly count: number;
  /** Why the newest attempt to read it failed. */
  readonly problem?: string;
}

/** Who may use the platform. A source that fails does not change the list. */
export interface Customers {
  /**
   * Whether an owner of repos is on the list, whatever its case.
   *
   * @param at The provider and the owner's stable id there; GitHub if it is not given.
   * @throws CloudError `OFC_UPSTREAM` if no list could be read yet.
   */
  has(owner: string, at?: { readonly provider: string; readonly id?: string }): Promise<boolean>;
  /**
   * Whether a person is on the list: see {@link PersonList}.
   *
   * @throws CloudError `OFC_UPSTREAM` if no list could be read yet.
   */
  admits(person: Person): Promise<boolean>;
  health(): CustomersHealth;
  /** As {@link Customers.health}, after reading the list if that is due. */
  check(): Promise<CustomersHealth>;
}

/** After a failure the source is left alone for a while; requests get the last good list. */
const retryMs = 10_000;
/** Who asks while a list is there waits no longer than this for a newer one. */
const patienceMs = 1000;

/**
 * Makes {@link Customers}.
 *
 * @param now Milliseconds, for tests.
 * @throws CloudError `OFC_CONFIG` without a path and a URL.
 */
export function createCustomers(config: CustomersConfig, now: () => number = Date.now): Customers {
  const read = reader(config);
  const { refreshMs = 60_000, backup, onChange } = config;
  let list: PersonList | undefined;
  let problem: string | undefined;
  let nextRead = 0;
  let reading: Promise<void> | undefined;

  const health = (): CustomersHealth => ({
    ok: list !== undefined && problem === undefined,
    count: list?.size ?? 0,
    ...(problem === undefined ? {} : { problem }),
  });
  const refresh = async (): Promise<void> => {
    const failedBefore = problem !== undefined;
    try {
      const text = await read();
      list = createPersonList(parseCustomers(text));
      problem = undefined;
      nextRead = now() + refreshMs;
      await backup?.save(text).catch(() => undefined);
    } catch (error) {
      problem = errorMessage(error);
      list ??= await kept();
      if (list !== undefined) nextRead = now() + Math.min(retryMs, refreshMs);
    }
    if (failedBefore !== (problem !== undefined)) onChange?.(health());
  };
  const kept = async (): Promise<PersonList | undefined> => {
    try {
      const text = await backup?.load();
      return text === undefined ? undefined : createPersonList(parseCustomers(text));
    } catch {
      return undefined;
    }
  };
  const current = async (): Promise<PersonList> => {
    if (now() >= nextRead) {
      reading ??= refresh().finally(() => {
        reading = undefined;
      });
      const patience = new AbortController();
      const tired = delay(patienceMs, undefined, { signal: patience.signal }).catch(
        () => undefined,
      );
      await (list === undefined ? reading : Promise.race([reading, tired]));
      patience.abort();
    }
    if (list !== undefined) return list;
    throw new CloudError('OFC_UPSTREAM', `The list of customers cannot be read: ${problem}`, {
      hint: 'Check customers_path or customers_url.',
    });
  };

  return {
    has: async (owner, at = { provider: 'github' }) => (await current()).hasOwner(owner, at),
    admits: async (person) => (await current()).admits(person),
    health,
    check: () => current().then(health, health),
  };
}

/** Reads `customers_path` and `customers_url`; without both, the secret `customers` is the file. */
export function customersSettings(settings: Settings): CustomersConfig {
  const url = settings.text('customers_url', '');
  const path = settings.text('customers_path', '');
  const refreshMs = settings.duration('customers_refresh', '1m');
  if (url === '') return { path: path || join(secretFolder(), 'customers'), refreshMs };
  return { ...(path === '' ? { url: settings.url('customers_url') } : { path }), refreshMs };
}

/**
 * The entries of a list: one a line (see {@link PersonList}), case folded, blank lines and `#`
 * comments skipped.
 *
 * @throws Error at a line that is no entry (an error page, say), and if there is none at all.
 */
export function parseCustomers(text: string): ReadonlySet<string> {
  const entries = new Set<string>();
  for (const [index, line] of text.split(/\r\n?|\n/).entries()) {
    if (line.trim() === '' || line.trim().startsWith('#')) continue;
    try {
      entries.add(parseEntry(line));
    } catch (error) {
      throw new Error(`Line ${index + 1} ${errorMessage(error)}.`);
    }
  }
  if (entries.size === 0) throw new Error('The list is empty.');
  return entries;
}

function reader(config: CustomersConfig): () => Promise<string> {
  const { path, url, maxBytes = 1024 * 1024, timeoutMs = 5_000 } = config;
  if (path !== undefined) {
    return async () => {
      const { size } = await stat(path);
      if (size > maxBytes) throw new Error(`The file is over ${maxBytes} bytes.`);
      return readFile(path, 'utf8');
    };
  }
  if (url === undefined) {
    throw new CloudError('OFC_CONFIG', 'There is no list of customers.', {
      hint: 'Set customers_path or customers_url, or switch validate_customers off.',
    });
  }
  return async () => {
    const answer = await axios.get<string>(url, {
      maxContentLength: maxBytes,
      maxRedirects: 3,
      responseType: 'text',
      transformResponse: (body: string) => body,
      signal: AbortSignal.timeout(timeoutMs),
    });
    return answer.data;
  };
}
