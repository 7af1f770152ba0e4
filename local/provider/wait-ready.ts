import { existsSync } from 'node:fs';
import { request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * Waits until a function answers `GET /_/ready` on its socket with 200.
 *
 * Looking for the socket file costs microseconds, so it is done often: this wait is part of every
 * cold start.
 *
 * @returns Whether it became ready before `timeoutMs` and before `signal`.
 */
export async function waitReady(
  socketPath: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  const started = Date.now();
  for (;;) {
    const waited = Date.now() - started;
    if (signal.aborted || waited > timeoutMs) return false;
    if (existsSync(socketPath) && (await askReady(socketPath, signal))) return true;
    await delay(waited < 500 ? 3 : waited < 3000 ? 20 : 100);
  }
}

function askReady(socketPath: string, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = request(
      { socketPath, path: '/_/ready', agent: false, timeout: 2000, signal },
      (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      },
    );
    asked.on('error', () => resolve(false));
    asked.on('timeout', () => asked.destroy());
    asked.end();
  });
}
