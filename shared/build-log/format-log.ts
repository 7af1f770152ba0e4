import { stripVTControlCharacters } from 'node:util';
import { lastBytes } from './last-bytes.ts';

/** GitHub's limit for the text of a check. */
export const maxCheckText = 65_535;

/** Bytes that the original counted for the frame: fences, line ends and its place holder. */
const frameBytes = '\n```shell\n%s\n```\n'.length;

/**
 * A build log as the text of a check: in a code fence, and the end of it, with a warning in front, if
 * it is over the limit.
 */
export function formatLog(log: Buffer, max: number = maxCheckText): string {
  const text = Buffer.from(stripVTControlCharacters(log.toString('utf8')));
  if (text.length + frameBytes - 2 <= max) return framed(text.toString('utf8'));
  const warning = `Warning: log size (${text.length}) bytes exceeded (${max}) bytes so was truncated. Follow the link for the full log.\n\n`;
  const room = max - warning.length - frameBytes - 2;
  if (room <= 0) return framed(lastBytes(text, max).toString('utf8'));
  return `${framed(warning + lastBytes(text, room).toString('utf8'))}`;
}

/** No text can end its own fence: that is longer than any row of backticks in the text. */
function framed(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`{3,}/g)].map(([row]) => row.length));
  const fence = '`'.repeat(longest + 1);
  return `\n${fence}shell\n${text}\n${fence}\n`;
}
