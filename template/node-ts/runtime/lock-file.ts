import { rmSync, writeFileSync } from 'node:fs';

/** The file by which probes without HTTP see that the function takes requests. */
export interface LockFile {
  create(): void;
  remove(): void;
}

/** `$TMPDIR/.lock`; does nothing without a path. */
export function createLockFile(path: string | undefined): LockFile {
  return {
    create() {
      if (path !== undefined) writeFileSync(path, '');
    },
    remove() {
      if (path !== undefined) rmSync(path, { force: true });
    },
  };
}
