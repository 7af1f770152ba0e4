import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { errorMessage } from '#shared/errors.ts';
import type { Logger } from '#shared/log.ts';
import type { Git } from './git-process.ts';

/** Has git pack repos when it thinks that this is worth while, and nobody pushes. */
export interface Maintenance {
  /** Notes a bare repo whose turn comes when nothing was noted for a while. */
  note(gitFolder: string): void;
  /** Begins nothing new; what runs is ended with {@link Git.close}. */
  close(): void;
}

/**
 * Makes {@link Maintenance}. Within a push, where git does this by itself, somebody would wait for it.
 *
 * @param quietMs How long nothing must have been noted.
 * @see https://git-scm.com/docs/git-gc
 */
export function createMaintenance(git: Git, log: Logger, quietMs: number): Maintenance {
  const waiting = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let running = false;

  const pack = async (folder: string): Promise<void> => {
    const args = ['--git-dir', folder, '-c', 'gc.autoDetach=false', 'gc', '--auto', '--quiet'];
    const child = git.start(args);
    child.stdin.end();
    child.stdout.resume();
    const [[code], said] = await Promise.all([once(child, 'close'), text(child.stderr)]);
    const failed = code !== 0 && code !== null; // null: ended by us
    if (failed && existsSync(folder)) throw new Error(said.slice(0, 500));
  };
  const work = async (): Promise<void> => {
    running = true;
    for (const folder of waiting) {
      waiting.delete(folder);
      await pack(folder).catch((error: unknown) =>
        log.warn('A repo could not be packed.', { folder, error: errorMessage(error) }),
      );
      // A push came in between: what is left waits for the next quiet moment.
      if (timer !== undefined) break;
    }
    running = false;
  };
  const schedule = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      timer = undefined;
      if (running) schedule();
      else void work();
    }, quietMs).unref();
  };

  return {
    note(gitFolder) {
      waiting.add(gitFolder);
      schedule();
    },
    close() {
      clearTimeout(timer);
      waiting.clear();
    },
  };
}
