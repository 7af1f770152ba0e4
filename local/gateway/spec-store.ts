import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { errorMessage } from '#shared/errors.ts';
import type { Logger } from '#shared/log.ts';
import { type FunctionSpec, functionId } from '../provider/provider.ts';
import { parseDeployment } from './parse-deployment.ts';

/** The functions that were deployed, in memory and on disk, by {@link functionId}. */
export interface SpecStore {
  get(id: string): FunctionSpec | undefined;
  /** All of them, in the order of their ids. */
  all(): FunctionSpec[];
  put(spec: FunctionSpec): Promise<void>;
  remove(id: string): Promise<void>;
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
      specs.set(functionId(spec), spec);
    } catch (error) {
      log.error('a saved function cannot be read', { file, error: errorMessage(error) });
    }
  }
  const path = (id: string): string => join(folder, `${id}.json`);

  return {
    get: (id) => specs.get(id),
    all: () => [...specs.values()].sort((a, b) => (functionId(a) < functionId(b) ? -1 : 1)),
    async put(spec) {
      const id = functionId(spec);
      const draft = `${path(id)}.draft`;
      const file = await open(draft, 'w', 0o600);
      try {
        await file.writeFile(JSON.stringify(spec, null, 2));
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(draft, path(id));
      specs.set(id, spec);
    },
    async remove(id) {
      await rm(path(id), { force: true });
      specs.delete(id);
    },
  };
}
