import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { chooseEngine } from '../../../local/platform/choose-engine.ts';
import { tempDir } from '../../helpers/temp-dir.ts';

describe('the engine of a data folder', () => {
  let folder: Awaited<ReturnType<typeof tempDir>>;
  /** A socket where nothing listens. */
  let nobody: { data: string; dockerHost: string };
  beforeEach(async () => {
    folder = await tempDir();
    nobody = { data: folder.path, dockerHost: `unix://${join(folder.path, 'docker.sock')}` };
  });
  afterEach(() => folder.remove());

  it('is processes where no container engine answers, and says why', async () => {
    const { engine, reason } = await chooseEngine('auto', nobody);
    expect(engine).to.equal(undefined);
    expect(reason).to.match(/No container engine can be used: .*docker\.sock is not there/);
  });

  it('is processes if they are asked for', async () => {
    const { engine, reason } = await chooseEngine('process', nobody);
    expect(engine).to.equal(undefined);
    expect(reason).to.contain('--engine process');
  });

  it('is refused if Docker is asked for and does not answer', async () => {
    const refused = await chooseEngine('docker', nobody).catch((error: Error) => error);
    expect(refused).to.have.property('code', 'OFC_CONFIG');
    expect(refused).to.match(/No container engine/);
  });

  it('stays what it was: images of one engine do not run on the other', async () => {
    await chooseEngine('process', nobody);
    expect(await readFile(join(folder.path, 'engine'), 'utf8')).to.equal('process');
    const refused = await chooseEngine('docker', nobody).catch((error: Error) => error);
    expect(refused).to.match(/were built for --engine process/);
    expect((await chooseEngine('auto', nobody)).engine).to.equal(undefined);
  });

  it('is processes for a folder from before there was a choice', async () => {
    await mkdir(join(folder.path, 'gateway'));
    const refused = await chooseEngine('docker', nobody).catch((error: Error) => error);
    expect(refused).to.match(/were built for --engine process/);
  });
});
