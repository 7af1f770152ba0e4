import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { createInspectingFs } from '#shared/git/inspecting-fs.ts';
import { tempDir } from '../../helpers/temp-dir.ts';

const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('files of a fetch', () => {
  let dir: Awaited<ReturnType<typeof tempDir>>;

  beforeEach(async () => {
    dir = await tempDir();
  });

  afterEach(() => dir.remove());

  it('refuse a pack once and for all: the second try, which isomorphic-git makes, is not measured', async () => {
    const { promises } = createInspectingFs(1000);
    const pack = join(dir.path, 'a.pack');
    const first = await failure(promises.writeFile(pack, Buffer.alloc(40)));
    expect(first).to.have.property('code', 'OFC_CLONE');
    // The very same error: a pack that is measured again gives another one.
    expect(await failure(promises.writeFile(pack, Buffer.alloc(40)))).to.equal(first);
    expect(await readdir(dir.path)).to.deep.equal([]);
  });

  it('are written as they are otherwise', async () => {
    const { promises } = createInspectingFs(1000);
    await promises.writeFile(join(dir.path, 'config'), 'text');
    expect(await readFile(join(dir.path, 'config'), 'utf8')).to.equal('text');
  });
});
