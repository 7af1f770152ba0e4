import { readFileSync } from 'node:fs';
import type { SourceMap } from 'node:module';

let map: SourceMap | undefined | null;

/**
 * A stack trace of the bundle with the places of the sources instead. The map is read with the first
 * error, not at start as `--enable-source-maps` does, which would cost every cold start.
 */
export function mapStack(stack: string): string {
  if (map === undefined) map = readMap();
  if (!map) return stack;
  const { findEntry } = map;
  return stack.replaceAll(/file:\/\/\S+?\/index\.mjs:(\d+):(\d+)/g, (place, line, column) => {
    const entry = findEntry.call(map, Number(line) - 1, Number(column) - 1);
    return 'originalSource' in entry
      ? `${entry.originalSource}:${entry.originalLine + 1}:${entry.originalColumn + 1}`
      : place;
  });
}

function readMap(): SourceMap | null {
  try {
    const text = readFileSync(new URL(`${import.meta.url}.map`), 'utf8');
    return new (process.getBuiltinModule('node:module').SourceMap)(JSON.parse(text));
  } catch {
    return null;
  }
}
