import { setTimeout as delay } from 'node:timers/promises';
import type { ObjectStore } from '../object-store/object-store.ts';
import type { BuildLogs } from './build-logs.ts';
import { lastBytes } from './last-bytes.ts';
import { type LogName, logKey } from './log-keys.ts';

/** How a log is followed. */
export interface Following {
  readonly store: ObjectStore;
  readonly logs: BuildLogs;
  readonly pollMs: number;
  /** How long to wait for a log that has not begun. */
  readonly firstMs: number;
  /** How long to follow at all. */
  readonly maxMs: number;
  readonly signal: AbortSignal;
}

/**
 * Yields a build log as it grows, until it is complete, `maxMs` is over or `signal` is aborted.
 * Yields nothing if there is none.
 */
export async function* followLog(
  { store, logs, pollMs, firstMs, maxMs, signal }: Following,
  name: LogName,
): AsyncGenerator<Buffer> {
  const begun = Date.now();
  let run: string | undefined;
  let next = 0;
  let sent = 0;
  while (!signal.aborted && Date.now() - begun < maxMs) {
    const parts = await logs.parts(name);
    run ??= parts[0]?.run;
    for (const part of parts.filter(({ run: of, seq }) => of === run && seq >= next)) {
      if (part.seq > next && !parts.some(({ final }) => final)) break;
      const text = await store.get(part.key);
      if (text === undefined) break; // joined meanwhile
      next = part.seq + 1;
      sent += text.length;
      if (text.length > 0) yield text;
      if (part.final) return;
    }
    const summary = await logs.summary(name);
    const isWhole = summary !== undefined && (summary.run === run || parts.length === 0);
    if (isWhole) {
      const whole = (await store.get(logKey(name))) ?? Buffer.alloc(0);
      const left = summary.run === run ? summary.bytes - sent : whole.length;
      const rest = left > 0 ? lastBytes(whole, left) : Buffer.alloc(0);
      if (rest.length > 0) yield rest;
      return;
    }
    if (run === undefined && Date.now() - begun > firstMs) return;
    await delay(pollMs, undefined, { signal }).catch(() => undefined);
  }
}
