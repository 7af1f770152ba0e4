import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The project's version. */
export async function releaseOf(root: string): Promise<string> {
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
    version: string;
  };
  return version;
}
