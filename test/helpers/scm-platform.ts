import { createLogger } from '#shared/log.ts';
import type { MoreScms } from '../../local/platform/more-scms.ts';
import { type Platform, startPlatform } from '../../local/platform/start-platform.ts';
import { root } from './source-files.ts';

/**
 * A platform in this process that takes webhooks of other SCMs than its own git server.
 *
 * @param data Its folder.
 * @param log Takes each line that it logs.
 */
export function startScmPlatform(data: string, scms: MoreScms, log: string[]): Promise<Platform> {
  return startPlatform({
    root,
    data,
    port: 0,
    isolation: 'none',
    engine: 'process',
    idleMs: 60_000,
    log: createLogger({}, (line) => log.push(line)),
    onProgress: () => undefined,
    signal: new AbortController().signal,
    scms,
  });
}
