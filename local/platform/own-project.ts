import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Our own dependencies serve every function that has our lock file: the platform's. */
export async function ownModules(root: string): Promise<{ lockDigest: string; folder: string }> {
  const lock = await readFile(join(root, 'package-lock.json'));
  const lockDigest = `sha256:${createHash('sha256').update(lock).digest('hex')}`;
  return { lockDigest, folder: join(root, 'node_modules') };
}

/** The project's version. */
export async function releaseOf(root: string): Promise<string> {
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
    version: string;
  };
  return version;
}
