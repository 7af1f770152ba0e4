import { randomUUID } from 'node:crypto';
import { finished } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DaemonClient } from './daemon-client.ts';
import type { SolveResponse } from './generated/control_pb.ts';
import { createProgressLines } from './progress-lines.ts';
import { openSession, type SessionServices } from './session.ts';
import type { solveRequest } from './solve-request.ts';

/** If a build fails early the daemon never ends its log. */
const logEndMs = 3000;

/** What {@link runSolve} is given. */
export interface SolveRun {
  /** The request for a session. */
  readonly request: (
    session: Parameters<typeof solveRequest>[3],
  ) => ReturnType<typeof solveRequest>;
  readonly services: SessionServices;
  readonly onLine: (line: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Runs one build at a daemon: opens a session for it, follows its log, and ends it at once when
 * `signal` is aborted or the session is lost.
 *
 * @throws the daemon's error as grpc-js gives it; why the session was lost
 */
export async function runSolve(
  client: DaemonClient,
  { request, services, onLine, signal }: SolveRun,
): Promise<SolveResponse> {
  signal.throwIfAborted();
  const ref = randomUUID();
  const session = openSession(client, services);
  const lines = createProgressLines(onLine);
  const log = client.status(ref);
  log.on('data', lines.take);
  const logEnded = finished(log, { writable: false }).catch(() => undefined);
  const lost = new AbortController();
  const losing = session.lost.then((reason) => {
    if (reason === undefined) return;
    lost.abort();
    throw reason;
  });
  losing.catch(() => undefined);
  try {
    const solving = client.solve(
      request({ ref, id: session.id, contextUrl: session.contextUrl }),
      AbortSignal.any([signal, lost.signal]),
    );
    solving.catch(() => undefined);
    const solved = (await Promise.race([solving, losing])) ?? (await solving);
    await Promise.race([logEnded, sleep(logEndMs)]);
    return solved;
  } catch (error) {
    // What failed stands in the log, which may come after the error.
    if (!signal.aborted && !lost.signal.aborted) {
      await Promise.race([logEnded, sleep(logEndMs, undefined, { signal })]).catch(() => undefined);
    }
    throw error;
  } finally {
    log.removeListener('data', lines.take);
    log.cancel();
    lines.end();
    session.close();
  }
}
