import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect } from 'chai';
import { createOwnProcesses, processTree } from '../../../local/provider/process-table.ts';

const waits = 'process.stdout.write("x"); setInterval(() => {}, 1000);';
/** Starts a process of its own when it hears something, and tells its pid. */
const forks = `process.stdout.write('x'); process.stdin.once('data', () => {
  const child = require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(waits)}]);
  child.stdout.once('data', () => process.stdout.write(String(child.pid)));
});`;

describe('looks at the processes below this one (need Linux)', () => {
  const started: ChildProcess[] = [];

  before(function () {
    if (process.platform !== 'linux') this.skip();
  });

  afterEach(() => {
    for (const child of started.splice(0)) child.kill();
  });

  it('read others of the machine only each tenth time, and find what was started since', async () => {
    const child = spawn(process.execPath, ['-e', forks], { stdio: ['pipe', 'pipe', 'inherit'] });
    started.push(child);
    await once(child.stdout, 'data');
    const look = createOwnProcesses();
    const pids = () => [...look().values()].flat().map(({ pid }) => pid);
    const tree = () => processTree(child.pid ?? 0, look()).map(({ pid }) => pid);
    expect(pids()).to.include.members([process.ppid, process.pid, child.pid]);
    expect(tree()).to.deep.equal([child.pid]);

    child.stdin.write('x');
    const grandchild = Number(String((await once(child.stdout, 'data'))[0]));
    try {
      expect(tree()).to.deep.equal([child.pid, grandchild]);
      for (let looks = 4; looks <= 10; looks += 1) {
        const seen = pids();
        expect(seen).to.include.members([child.pid, grandchild]);
        expect(seen).not.to.include(process.ppid);
      }
      expect(pids()).to.include(process.ppid);
    } finally {
      process.kill(grandchild);
    }
  });
});
