import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { openProcessRecords } from '../../../local/provider/process-records.ts';
import { readProcess } from '../../../local/provider/process-table.ts';
import { eventually } from '../../helpers/eventually.ts';
import { describeWith } from '../../helpers/needs-part.ts';
import { tempDir } from '../../helpers/temp-dir.ts';

describe('records of processes (needs Linux)', function () {
  this.timeout(30_000);
  let dir: Awaited<ReturnType<typeof tempDir>>;

  before(function () {
    if (process.platform !== 'linux') this.skip();
  });
  beforeEach(async () => {
    dir = await tempDir();
  });
  afterEach(() => dir.remove());

  it('end at the next start what a killed platform left', async () => {
    const home = join(dir.path, 'home');
    await mkdir(home);
    const stray = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
      detached: true,
      stdio: 'ignore',
    });
    const ended = once(stray, 'exit');
    openProcessRecords(join(dir.path, 'records')).add(stray.pid ?? 0, home);
    openProcessRecords(join(dir.path, 'records'));
    expect((await ended)[1]).to.equal('SIGKILL');
    expect(existsSync(home)).to.equal(false);
    expect(await readdir(join(dir.path, 'records'))).to.deep.equal([]);
  });

  it('survive a record that was cut off', async () => {
    await mkdir(join(dir.path, 'records'));
    await writeFile(join(dir.path, 'records', '123'), '{"pid":12');
    openProcessRecords(join(dir.path, 'records'));
    expect(await readdir(join(dir.path, 'records'))).to.deep.equal([]);
  });

  const endsWithPlatform = (isolation: string) =>
    it(`a function ends with a platform that is killed, isolation ${isolation}`, async () => {
      const fixture = join(import.meta.dirname, 'fixture-platform.ts');
      const platform = spawn(process.execPath, ['--import', 'tsx', fixture, dir.path, isolation], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      const [line] = (await Promise.race([
        once(platform.stdout, 'data'),
        once(platform, 'exit'),
      ])) as [Buffer | number];
      if (typeof line === 'number') throw new Error(`the fixture exited with ${line}`);
      const { pid, started } = JSON.parse(String(line)) as { pid: number; started: string };
      expect(readProcess(pid)?.started).to.equal(started);
      const ended = once(platform, 'exit');
      platform.kill('SIGKILL');
      await ended;
      // By the kernel where it can, else at the next start.
      openProcessRecords(join(dir.path, 'processes'));
      await eventually(() => expect(readProcess(pid)?.started).to.not.equal(started));
    });
  endsWithPlatform('none');
  describeWith(['bubblewrap'], 'in the sandbox', () => {
    endsWithPlatform('bubblewrap');
  });
});
