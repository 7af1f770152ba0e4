import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { errorMessage } from '#shared/errors.ts';
import type { Logger } from '#shared/log.ts';
import type { FunctionSpec } from '../provider/provider.ts';
import { parseDeployment } from './parse-deployment.ts';

/** The functions that were deployed, in memory and on disk. */
export interface SpecStore {
  get(service: string): FunctionSpec | undefined;
  /** All of them, by name. */
  all(): FunctionSpec[];
  put(spec: FunctionSpec): Promise<void>;
  remove(service: string): Promise<void>;
}

/** Opens the store: one JSON file per function in `folder`. A file that cannot be read is skipped. */
export async function openSpecStore(folder: string, log: Logger): Promise<SpecStore> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const specs = new Map<string, FunctionSpec>();
  for (const file of await readdir(folder)) {
    if (!file.endsWith('.json')) continue;
    try {
      const saved = JSON.parse(await readFile(join(folder, file), 'utf8'));
      const spec = parseDeployment(saved, String(saved.createdAt));
      specs.set(spec.service, spec);
    } catch (error) {
      log.error('a saved function cannot be read', { file, error: errorMessage(error) });
    }
  }
  const path = (service: string): string => join(folder, `${service}.json`);

  return {
    get: (service) => specs.get(service),
    all: () => [...specs.values()].sort((a, b) => (a.service < b.service ? -1 : 1)),
    async put(spec) {
      const draft = `${path(spec.service)}.draft`;
      const file = await open(draft, 'w', 0o600);
      try {
        await file.writeFile(JSON.stringify(spec, null, 2));
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(draft, path(spec.service));
      specs.set(spec.service, spec);
    },
    async remove(service) {
      await rm(path(service), { force: true });
      specs.delete(service);
    },
  };
}
