import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type PlatformProcess, startPlatformProcess } from './platform-process.ts';
import { tempDir } from './temp-dir.ts';

/** Owners who may deploy to the shared platform. */
export const customers = ['alice', 'alice-b', 'bob', 'carol', 'git', 'github'];

let started: Promise<{ platform: PlatformProcess; remove: () => Promise<void> }> | undefined;

/** One platform for all end-to-end tests of a run, started at the first use. */
export async function sharedPlatform(): Promise<PlatformProcess> {
  started ??= startShared();
  return (await started).platform;
}

async function startShared() {
  const folder = await tempDir();
  const list = join(folder.path, 'customers');
  await writeFile(list, `${customers.join('\n')}\n`);
  const data = join(folder.path, 'data');
  const platform = await startPlatformProcess(data, ['--port', '0', '--customers', list]);
  return { platform, remove: folder.remove };
}

// Mocha's root hook: it runs once, after all files.
after(async function stopSharedPlatform() {
  this.timeout(60_000);
  if (started === undefined) return;
  const { platform, remove } = await started;
  await platform.stop();
  await remove();
});
