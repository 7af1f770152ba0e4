import { request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

/** A TCP endpoint. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

interface Waiting {
  /** Asked once `/_/health` answers 200. A function that has no such path is ready by its health. */
  readonly readyPath: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/**
 * Waits until a function answers `GET /_/health` and then its ready path with 200.
 *
 * @returns Whether it did before `timeoutMs` and before `signal`.
 */
export async function waitHealthy(address: Address, waiting: Waiting): Promise<boolean> {
  const { readyPath, timeoutMs, signal } = waiting;
  const started = Date.now();
  for (;;) {
    const waited = Date.now() - started;
    if (signal.aborted || waited > timeoutMs) return false;
    if ((await probe(address, '/_/health', signal)) === 200) {
      const ready = await probe(address, readyPath, signal);
      if (ready === 200 || (ready === 404 && readyPath === defaultReadyPath)) return true;
    }
    await delay(waited < 500 ? 5 : waited < 3000 ? 20 : 100);
  }
}

/** What OpenFaaS's watchdogs answer 200 to when they can take a call. */
export const defaultReadyPath = '/_/ready';

/** The status of a GET; `undefined` if there was no answer within two seconds. */
export function probe(
  { host, port }: Address,
  path: string,
  signal: AbortSignal,
): Promise<number | undefined> {
  return new Promise((resolve) => {
    const asked = request({ host, port, path, agent: false, timeout: 2000, signal }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    asked.on('error', () => resolve(undefined));
    asked.on('timeout', () => asked.destroy());
    asked.end();
  });
}
