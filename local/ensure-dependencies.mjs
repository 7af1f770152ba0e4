import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const minimum = [20, 19];

/**
 * Makes sure that this machine can run the project: Node new enough, git there, dependencies
 * installed as the lock file says. Prints one clear line and exits where it cannot.
 */
export function ensureDependencies() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < minimum[0] || (major === minimum[0] && minor < minimum[1])) {
    fail(`Node ${minimum.join('.')} or later is needed; this is ${process.versions.node}.`);
  }
  if (spawnSync('git', ['--version']).status !== 0) {
    fail('git is needed and was not found. Install it, for example with "apt-get install git".');
  }
  if (isInstalled()) return;
  console.log('Installing dependencies (once)…');
  const npm = process.env.npm_execpath;
  const [command, args] = npm ? [process.execPath, [npm]] : ['npm', []];
  const { status } = spawnSync(
    command,
    [...args, 'ci', '--no-audit', '--no-fund', '--loglevel=error'],
    {
      cwd: root,
      stdio: 'inherit',
    },
  );
  if (status !== 0) fail('npm could not install the dependencies; see its messages above.');
}

/** npm keeps a lock of what it installed; optional packages of other systems are not in it. */
function isInstalled() {
  const installed = packagesOf('node_modules/.package-lock.json');
  const wanted = packagesOf('package-lock.json');
  if (installed === undefined || wanted === undefined) return false;
  return Object.entries(wanted).every(
    ([path, { version, optional }]) =>
      path === '' || (installed[path]?.version ?? (optional ? version : undefined)) === version,
  );
}

function packagesOf(file) {
  try {
    return JSON.parse(readFileSync(`${root}/${file}`, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
