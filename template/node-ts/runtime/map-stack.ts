import { readFileSync } from 'node:fs';
import type { SourceMap } from 'node:module';

/** Of the bundle's files, by address. */
const maps = new Map<string, SourceMap>();

/**
 * A stack trace of the bundle with the places of the sources instead. Maps are read with the first
 * error, not at start as `--enable-source-maps` does, which would cost every cold start.
 */
export function mapStack(stack: string): string {
  return stack.replaceAll(/(file:\/\/\S+?\.mjs):(\d+):(\d+)/g, (place, file, line, column) => {
    const entry = mapOf(file)?.findEntry(Number(line) - 1, Number(column) - 1);
    return entry !== undefined && 'originalSource' in entry
      ? `${entry.originalSource}:${entry.originalLine + 1}:${entry.originalColumn + 1}`
      : place;
  });
}

function mapOf(file: string): SourceMap | undefined {
  const known = maps.get(file);
  // The text of a trace can be anybody's: it leads to no other folder.
  if (known !== undefined || new URL('.', file).href !== new URL('.', import.meta.url).href) {
    return known;
  }
  try {
    const text = readFileSync(new URL(`${file}.map`), 'utf8');
    const map = new (process.getBuiltinModule('node:module').SourceMap)(JSON.parse(text));
    maps.set(file, map);
    return map;
  } catch {
    return undefined;
  }
}
