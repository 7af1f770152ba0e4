import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { gitRepo } from '../../helpers/git-repo.ts';
import { tempDir } from '../../helpers/temp-dir.ts';

const run = promisify(execFile);
const server =
  "require('http').createServer((q, r) => r.end('ok')).listen(0, '127.0.0.1', () => process.stdout.write('x'))";

/**
 * The least that a push and a new replica can cost on this machine, in milliseconds: `git push` to a
 * bare repo in a folder, then a bare Node HTTP server until it listens.
 */
export async function reference(): Promise<number> {
  const bare = await tempDir();
  await run('git', ['init', '--quiet', '--bare', bare.path]);
  const repo = await gitRepo(bare.path);
  await repo.commit({ 'a.txt': 'a' });
  const start = performance.now();
  await repo.push();
  const child = spawn(process.execPath, ['-e', server], { stdio: ['ignore', 'pipe', 'ignore'] });
  await once(child.stdout, 'data');
  const took = performance.now() - start;
  child.kill();
  await once(child, 'exit');
  await repo.remove();
  await bare.remove();
  return took;
}
