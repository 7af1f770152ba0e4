import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ensureDependencies } from '../local/ensure-dependencies.mjs';

// `npm test [-- <files or mocha options>]`: installs what is missing, then runs mocha. Without
// arguments these are all tests that need only Node and git; test/engines needs real parts besides.
ensureDependencies();
const root = fileURLToPath(new URL('..', import.meta.url));
const given = process.argv.slice(2);
const args = given.length > 0 ? given : ['test/**/*.test.ts', '--ignore', 'test/engines/**'];
const mocha = spawn(process.execPath, [`${root}/node_modules/mocha/bin/mocha.js`, ...args], {
  cwd: root,
  stdio: 'inherit',
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => mocha.kill(signal));
mocha.on('exit', (code) => {
  process.exitCode = code ?? 1;
});
