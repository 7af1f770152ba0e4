import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { lockData } from '../../../local/platform/data-lock.ts';
import { readProcess } from '../../../local/provider/process-table.ts';
import { expectCode } from '../../helpers/expect-code.ts';
import { tempDir } from '../../helpers/temp-dir.ts';

describe('the lock of a data folder', () => {
  let folder: Awaited<ReturnType<typeof tempDir>>;
  beforeEach(async () => {
    folder = await tempDir();
  });
  afterEach(() => folder.remove());

  const leave = (owner: object | string) =>
    writeFile(join(folder.path, 'platform.pid'), JSON.stringify(owner));

  it('is taken, and given back', async () => {
    const lock = await lockData(folder.path);
    const file = join(folder.path, 'platform.pid');
    expect(JSON.parse(await readFile(file, 'utf8'))).to.include({ pid: process.pid });
    await lock.close();
    await (await lockData(folder.path)).close();
  });

  it('is refused while another process has it', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    try {
      const pid = child.pid ?? 0;
      await leave({ pid, started: readProcess(pid)?.started ?? '' });
      await expectCode(() => lockData(folder.path), 'OFC_CONFIG');
    } finally {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    await (await lockData(folder.path)).close();
  });

  it('is taken from a process that is gone, from another one with its pid, and from garbage', async () => {
    const parent = { pid: process.ppid, started: 'long ago' };
    const cases = process.platform === 'linux' ? [parent, 'garbage'] : ['garbage'];
    for (const owner of cases) {
      await leave(owner);
      await (await lockData(folder.path)).close();
    }
  });

  it('says that a folder cannot be written', async () => {
    await expectCode(() => lockData(join(folder.path, 'missing')), 'OFC_CONFIG');
  });
});
