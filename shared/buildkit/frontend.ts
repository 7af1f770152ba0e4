import type { Readable } from 'node:stream';
import { extract } from 'tar-stream';

const maxHeadBytes = 16 * 1024;

/**
 * The frontend image that a Dockerfile's `# syntax=` names, if the operator's list has it; `undefined`
 * is BuildKit's own. A frontend is a program that runs before anything else in a build, so nothing is
 * obeyed that is not listed, and the log says so. With an empty list the Dockerfile is not looked at.
 *
 * @param open Gives a tar with a `Dockerfile`.
 * @param allowed Whole references, or beginnings that end with `*`.
 * @see https://docs.docker.com/reference/dockerfile/#parser-directives
 */
export async function frontendOf(
  open: () => Promise<Readable>,
  allowed: readonly string[],
  onLog: (line: string) => void,
): Promise<string | undefined> {
  if (allowed.length === 0) return undefined;
  const named = syntaxOf(await headOf(await open(), 'Dockerfile'));
  if (named === undefined) return undefined;
  const isAllowed = allowed.some((pattern) =>
    pattern.endsWith('*') ? named.startsWith(pattern.slice(0, -1)) : named === pattern,
  );
  if (isAllowed) return named;
  onLog(`# syntax=${named} is not followed: the operator does not allow that frontend.`);
  return undefined;
}

/** The directive stands before everything else: among comments of the form `# name=value`. */
export function syntaxOf(dockerfile: string): string | undefined {
  for (const line of dockerfile.replace(/^\uFEFF/, '').split(/\r?\n/)) {
    const [, name, value] = /^\s*#\s*([a-z]+)\s*=\s*(\S+)\s*$/i.exec(line) ?? [];
    if (name === undefined) return undefined;
    if (name.toLowerCase() === 'syntax') return value;
  }
  return undefined;
}

async function headOf(tar: Readable, path: string): Promise<string> {
  const archive = extract();
  tar.on('error', (error) => archive.destroy(error));
  tar.pipe(archive);
  try {
    for await (const entry of archive) {
      if (entry.header.name !== path) {
        entry.resume();
        continue;
      }
      let head = '';
      for await (const chunk of entry) {
        head += Buffer.from(chunk as Buffer).toString('utf8');
        if (head.length > maxHeadBytes) break;
      }
      return head;
    }
    return '';
  } finally {
    tar.destroy();
  }
}
