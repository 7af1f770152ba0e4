import * as v from 'valibot';
import { getJson, putJson } from '../object-store/json.ts';
import { keyPart } from '../object-store/keys.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import { joinParts } from './join-parts.ts';
import {
  type LogName,
  logKey,
  type PartKey,
  parsePartKey,
  partKey,
  partsPrefix,
  summaryKey,
} from './log-keys.ts';

/** A piece of a log, as the builder sends it. */
export interface LogPart {
  /** Tells one attempt to build from the next. */
  readonly run: string;
  /** Counts from zero. */
  readonly seq: number;
  readonly text: string;
  readonly final: boolean;
}

/** What the whole log came from. */
export interface LogSummary {
  /** The run, as in the parts' keys. */
  readonly run: string;
  /** Bytes that were written, including those over the limit. */
  readonly bytes: number;
  /** Parts that never came. */
  readonly missing: number;
}

/** Build logs in the object store: parts while they grow, one object when they are complete. */
export interface BuildLogs {
  /** Adds a part; the last one makes the log whole. Parts may come twice or in any order. */
  add(name: LogName, part: LogPart): Promise<void>;
  /** The whole log, or what there is of it so far; `undefined` if there is nothing. */
  read(name: LogName): Promise<Buffer | undefined>;
  summary(name: LogName): Promise<LogSummary | undefined>;
  /** The parts of the run that is being written, in order. */
  parts(name: LogName): Promise<PartKey[]>;
}

const summarySchema = v.object({ run: v.string(), bytes: v.number(), missing: v.number() });

/** How much of a log is kept: the end, where the error is. */
export const maxLogBytes = 4 * 1024 * 1024;

/** Makes {@link BuildLogs}. */
export function createBuildLogs(store: ObjectStore): BuildLogs {
  const summary = (name: LogName) => getJson(store, summaryKey(name), summarySchema);
  const listParts = async (name: LogName): Promise<PartKey[]> =>
    (await store.list(partsPrefix(name))).flatMap((key) => parsePartKey(name, key) ?? []);

  const finish = async (name: LogName, text: Buffer, whole: LogSummary): Promise<void> => {
    await store.put(logKey(name), text, { contentType: 'text/plain; charset=utf-8' });
    await putJson(store, summaryKey(name), whole);
  };
  const join = async (name: LogName, parts: readonly PartKey[], run: string): Promise<void> => {
    const { text, bytes, missing } = await joinParts(store, parts, maxLogBytes);
    await finish(name, text, { run, bytes, missing });
    // Where parts are missing the others stay, so that a late one can still take its place.
    if (missing === 0) for (const { key } of parts) await store.delete(key);
  };

  return {
    summary,
    async add(name, { run, seq, text, final }) {
      const runKey = keyPart(run);
      const whole = await summary(name);
      if (whole?.run === runKey && whole.missing === 0) return;
      if (seq === 0 && final) {
        const whole = Buffer.from(text);
        return finish(name, whole, { run: runKey, bytes: whole.length, missing: 0 });
      }
      await store.put(partKey(name, run, seq, final), text);
      const parts = (await listParts(name)).filter((part) => part.run === runKey);
      if (parts.some((part) => part.final)) await join(name, parts, runKey);
    },
    async parts(name) {
      const whole = await summary(name);
      const growing = (await listParts(name)).filter((part) => part.run !== whole?.run);
      const newest = growing.at(-1)?.run;
      return growing.filter((part) => part.run === newest);
    },
    async read(name) {
      const whole = await store.get(logKey(name));
      if (whole !== undefined) return whole;
      const parts = await this.parts(name);
      if (parts.length === 0) return store.get(logKey(name)); // whole since we looked
      return (await joinParts(store, parts, maxLogBytes)).text;
    },
  };
}
