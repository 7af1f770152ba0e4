import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import axios from 'axios';
import type { Settings } from './config.ts';
import { CloudError, errorMessage } from './errors.ts';
import { secretFolder } from './secrets.ts';

/** Where the list of customers comes from; a file wins over a URL. There is no default. */
export interface CustomersConfig {
  readonly path?: string | undefined;
  readonly url?: string | undefined;
  /** How long a list holds. */
  readonly refreshMs?: number;
  readonly maxBytes?: number;
  readonly timeoutMs?: number;
}

/** How the list is doing, for health checks and logs. */
export interface CustomersHealth {
  readonly ok: boolean;
  /** How many customers the list in use has. */
  readonly count: number;
  /** Why the newest attempt to read it failed. */
  readonly problem?: string;
}

/** The owners who may use the platform. */
export interface Customers {
  /**
   * Whether `login` is on the list, whatever its case. A source that fails does not change the list.
   *
   * @throws CloudError `OFC_UPSTREAM` if no list could be read yet.
   */
  has(login: string): Promise<boolean>;
  health(): CustomersHealth;
}

/** After a failure the source is left alone for a while; requests get the last good list. */
const retryMs = 10_000;

/**
 * Makes {@link Customers}.
 *
 * @param now Milliseconds, for tests.
 * @throws CloudError `OFC_CONFIG` without a path and a URL.
 */
export function createCustomers(config: CustomersConfig, now: () => number = Date.now): Customers {
  const read = reader(config);
  const { refreshMs = 300_000 } = config;
  let list: ReadonlySet<string> | undefined;
  let problem: string | undefined;
  let nextRead = 0;
  let reading: Promise<void> | undefined;

  const refresh = async (): Promise<void> => {
    try {
      list = parseCustomers(await read());
      problem = undefined;
      nextRead = now() + refreshMs;
    } catch (error) {
      problem = errorMessage(error);
      if (list !== undefined) nextRead = now() + Math.min(retryMs, refreshMs);
    }
  };

  return {
    async has(login) {
      if (now() >= nextRead) {
        reading ??= refresh().finally(() => {
          reading = undefined;
        });
        await reading;
      }
      if (list === undefined) {
        throw new CloudError('OFC_UPSTREAM', `The list of customers cannot be read: ${problem}`, {
          hint: 'Check customers_path or customers_url.',
        });
      }
      return list.has(login.trim().toLowerCase());
    },
    health: () => ({
      ok: list !== undefined && problem === undefined,
      count: list?.size ?? 0,
      ...(problem === undefined ? {} : { problem }),
    }),
  };
}

/** Reads `customers_path` and `customers_url`; without both, the secret `customers` is the file. */
export function customersSettings(settings: Settings): CustomersConfig {
  const url = settings.text('customers_url', '');
  const path = settings.text('customers_path', '');
  if (url === '') return { path: path || join(secretFolder(), 'customers') };
  return path === '' ? { url: settings.url('customers_url') } : { path };
}

/**
 * The logins of a list: one a line, case folded, blank lines and `#` comments skipped.
 *
 * @throws Error at a line that is no login (an error page, say), and if there is none at all.
 */
export function parseCustomers(text: string): ReadonlySet<string> {
  const logins = new Set<string>();
  for (const [index, line] of text.split(/\r\n?|\n/).entries()) {
    const login = line.trim().toLowerCase();
    if (login === '' || login.startsWith('#')) continue;
    if (!/^[a-z0-9_][a-z0-9._/-]{0,99}$/.test(login)) {
      throw new Error(`Line ${index + 1} is not a login.`);
    }
    logins.add(login);
  }
  if (logins.size === 0) throw new Error('The list is empty.');
  return logins;
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
