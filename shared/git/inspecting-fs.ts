import * as fs from 'node:fs';
import { inspectPack } from './inspect-pack.ts';

/** As many objects as a fetched commit may have: the largest repos there are come near. */
const maxObjects = 200_000;

/**
 * Files for isomorphic-git, of which a pack is refused before its objects are inflated, each as a whole and in
 * memory. isomorphic-git writes a file again when that failed: what was refused is not measured twice.
 *
 * @param maxObjectBytes Of one object; all may have five times as much.
 * @returns what isomorphic-git takes as `fs`; writing a pack throws as {@link inspectPack}.
 */
export function createInspectingFs(maxObjectBytes: number) {
  const limits = { maxObjects, maxObjectBytes, maxTotalBytes: 5 * maxObjectBytes };
  let refusal: unknown;
  const writeFile: typeof fs.promises.writeFile = async (file, data, options) => {
    if (refusal !== undefined) throw refusal;
    try {
      if (String(file).endsWith('.pack') && Buffer.isBuffer(data)) inspectPack(data, limits);
    } catch (error) {
      refusal = error;
      throw error;
    }
    await fs.promises.writeFile(file, data, options);
  };
  return { promises: { ...fs.promises, writeFile } };
}
