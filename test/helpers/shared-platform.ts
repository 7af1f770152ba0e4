import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CollectedSpan, type OtlpCollector, startOtlpCollector } from './otlp-collector.ts';
import { type PlatformProcess, startPlatformProcess } from './platform-process.ts';
import { tempDir } from './temp-dir.ts';

/** Owners who may deploy to the shared platform. */
export const customers = ['alice', 'alice-b', 'bob', 'carol', 'git', 'github'];

interface Shared {
  readonly platform: PlatformProcess;
  readonly collector: OtlpCollector;
  readonly remove: () => Promise<void>;
}

let started: Promise<Shared> | undefined;

/** One platform for all end-to-end tests of a run, started at the first use. */
export async function sharedPlatform(): Promise<PlatformProcess> {
  started ??= startShared();
  return (await started).platform;
}

/** The spans that the shared platform has sent so far. */
export async function sharedSpans(): Promise<readonly CollectedSpan[]> {
  started ??= startShared();
  return (await started).collector.spans;
}

async function startShared(): Promise<Shared> {
  const folder = await tempDir();
  const list = join(folder.path, 'customers');
  await writeFile(list, `${customers.join('\n')}\n`);
  const data = join(folder.path, 'data');
  const collector = await startOtlpCollector();
  const platform = await startPlatformProcess(data, [
    ...['--port', '0', '--customers', list],
    ...['--otlp', collector.url, '--notify', '127.0.0.1'],
  ]);
  return { platform, collector, remove: folder.remove };
}

// Mocha's root hook: it runs once, after all files.
after(async function stopSharedPlatform() {
  this.timeout(60_000);
  if (started === undefined) return;
  const { platform, collector, remove } = await started;
  await platform.stop();
  await collector.close();
  await remove();
});
