import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withNpmrc } from './npmrc.ts';
import { type FunctionPackage, readFunctionPackage } from './read-package.ts';
import { runNpm } from './run-npm.ts';

interface InstallerOptions {
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

/** Installs dependencies of functions, each set of them once. */
export interface Installer {
  /**
   * The `node_modules` folder for the function in `folder`; `undefined` if it has no dependencies.
   *
   * @param build `production` leaves out what is needed for development only.
   * @throws CloudError `OFC_BUILD_FAILED`, `OFC_TIMEOUT`; the signal's reason.
   */
  install(folder: string, build: InstallBuild): Promise<string | undefined>;
  /** Deletes installations that were not used for `keepMs`. */
  prune(keepMs: number): Promise<void>;
}

/** What one build asks for. */
export interface InstallBuild {
  readonly production: boolean;
  /**
   * Credentials of this build alone. What they open must not be found by other builds, so nothing is
   * shared: packages and npm's cache lie in `folder`, which the build removes.
   */
  readonly own?: { readonly npmrc: string; readonly folder: string };
  readonly log: (line: string) => void;
  readonly signal: AbortSignal;
}

/** An {@link Installer} that keeps installations in its folder, by the digest of what asked for them. */
export function createInstaller(options: InstallerOptions): Installer {
  const running = new Map<string, Promise<void>>();

  const installNew = async (
    { manifest, lock, production }: FunctionPackage,
    home: string,
    { log, signal, own }: InstallBuild,
  ): Promise<void> => {
    const npmHome = own?.folder ?? options.folder;
    const environment =
      own === undefined ? options.environment : await withNpmrc(options.environment, own);
    const work = `${home}.${randomBytes(6).toString('hex')}.tmp`;
    try {
      // Only these two files: an .npmrc of the function could point npm anywhere.
      await mkdir(join(work, 'node_modules'), { recursive: true });
      await writeFile(join(work, 'package.json'), withoutScripts(manifest));
      if (lock !== undefined) await writeFile(join(work, 'package-lock.json'), lock);
      const command = lock === undefined ? 'install' : 'ci';
      log(`npm ${command}: installing the function's dependencies.`);
      await runNpm({
        args: production ? [command, '--omit=dev'] : [command],
        cwd: work,
        home: join(npmHome, 'npm'),
        environment,
        timeoutMs: options.timeoutMs,
        signal,
        onLine: log,
      });
      await mkdir(join(work, 'node_modules'), { recursive: true }); // npm ci removes an empty one
      await rename(work, home);
    } catch (error) {
      await rm(work, { recursive: true, force: true });
      if (!(await isFolder(home))) throw error;
    }
  };

  return {
    async install(folder, build) {
      const { production, log, signal } = build;
      const wanted = await readFunctionPackage(folder, { production });
      if (wanted === undefined) return undefined;
      if (build.own !== undefined) {
        const home = join(build.own.folder, 'modules');
        await mkdir(join(build.own.folder, 'npm'), { recursive: true, mode: 0o700 });
        await installNew(wanted, home, build);
        return join(home, 'node_modules');
      }
      await mkdir(join(options.folder, 'npm'), { recursive: true, mode: 0o700 });
      const home = join(options.folder, wanted.key);
      while (!(await isFolder(home))) {
        const other = running.get(wanted.key);
        if (other !== undefined) {
          log('Waiting for the same dependencies to be installed.');
          // If the other build fails or is cancelled this one tries for itself.
          await other.catch(() => undefined);
          signal.throwIfAborted();
          continue;
        }
        const own = installNew(wanted, home, build);
        const tracked = own.finally(() => running.delete(wanted.key));
        tracked.catch(() => undefined);
        running.set(wanted.key, tracked);
        await tracked;
      }
      await utimes(home, new Date(), new Date());
      return join(home, 'node_modules');
    },
    async prune(keepMs) {
      for (const name of await readdir(options.folder).catch((): string[] => [])) {
        const path = join(options.folder, name);
        const { mtimeMs } = await stat(path);
        if (name === 'npm' || Date.now() - mtimeMs < keepMs) continue;
        await rm(path, { recursive: true, force: true });
      }
    },
  };
}

function withoutScripts(manifest: string): string {
  const { scripts: _, ...rest } = JSON.parse(manifest) as Record<string, unknown>;
  return JSON.stringify(rest);
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}
