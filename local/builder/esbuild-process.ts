import { stop } from 'esbuild';

const idleMs = 60_000;
let running = 0;
let idle: NodeJS.Timeout | undefined;

/**
 * Does work that needs esbuild. Its process is kept for a minute between builds, as starting it takes
 * part of a build's time, and then ended: it holds what memory its largest build took.
 */
export async function withEsbuild<T>(work: () => Promise<T>): Promise<T> {
  clearTimeout(idle);
  running += 1;
  try {
    return await work();
  } finally {
    running -= 1;
    if (running === 0) idle = setTimeout(() => void stop(), idleMs).unref();
  }
}

/** Ends esbuild's process, if nothing is using it. */
export async function endEsbuild(): Promise<void> {
  if (running > 0) return;
  clearTimeout(idle);
  await stop();
}
