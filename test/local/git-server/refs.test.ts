import { appendFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { createGit, type Git } from '../../../local/git-server/git-process.ts';
import { readRefs } from '../../../local/git-server/refs.ts';
import { tempDir } from '../../helpers/temp-dir.ts';

describe('the refs of a repo', () => {
  let dir: Awaited<ReturnType<typeof tempDir>>;
  let git: Git;
  let folder: string;
  let head: string;
  let asked: number;

  const run = async (...args: string[]): Promise<string> =>
    String(await git.read(folder, args)).trim();
  const counting: Git = {
    start: (...args) => git.start(...args),
    close: () => undefined,
    read: (...args) => {
      asked += 1;
      return git.read(...args);
    },
  };
  const gitsOwn = async () => {
    const lines = (await run('for-each-ref', '--format=%(refname) %(objectname)')).split('\n');
    return Object.fromEntries(lines.map((line) => line.split(' ')));
  };

  beforeEach(async () => {
    dir = await tempDir();
    git = createGit(join(dir.path, 'home'));
    folder = join(dir.path, 'repo');
    asked = 0;
    await run('init', '--quiet', '--bare', '--initial-branch=main');
    const tree = await run('hash-object', '-t', 'tree', '-w', '/dev/null');
    const who = ['-c', 'user.name=a', '-c', 'user.email=a@b'];
    head = await run(...who, 'commit-tree', '-m', 'one', tree);
    await run('update-ref', 'refs/heads/main', head);
    await run('update-ref', 'refs/heads/a/deep/branch', head);
    await run(...who, 'tag', '-a', '-m', 'tag', 'v1', head);
  });

  afterEach(async () => {
    git.close();
    await dir.remove();
  });

  it('are none in an empty repo', async () => {
    await rm(folder, { recursive: true });
    await run('init', '--quiet', '--bare');
    expect(await readRefs(counting, folder)).to.deep.equal({});
  });

  it('are as git has them, loose and packed, in the order of their names', async () => {
    const loose = await gitsOwn();
    expect(Object.keys(loose)).to.have.length(3);
    expect(await readRefs(counting, folder)).to.deep.equal(loose);
    await run('pack-refs', '--all');
    expect(await readRefs(counting, folder)).to.deep.equal(loose);
    await run('update-ref', 'refs/heads/main', await run('rev-parse', 'v1^{commit}'));
    await run('update-ref', 'refs/heads/later', head);
    await run('update-ref', '-d', 'refs/heads/a/deep/branch');
    const mixed = await readRefs(counting, folder);
    expect(mixed).to.deep.equal(await gitsOwn());
    expect(Object.keys(mixed)).to.deep.equal([
      'refs/heads/later',
      'refs/heads/main',
      'refs/tags/v1',
    ]);
    expect(asked, 'processes of git').to.equal(0);
  });

  it('come from the newer place, if git packs them at the same time', async () => {
    const newer = await run(
      ...['-c', 'user.name=a', '-c', 'user.email=a@b'],
      ...['commit-tree', '-m', 'two', `${head}^{tree}`],
    );
    await run('pack-refs', '--all');
    await run('update-ref', 'refs/heads/main', newer);
    expect((await readRefs(counting, folder))['refs/heads/main']).to.equal(newer);
  });

  it('are asked of git if there is a ref that names another one, or very many', async () => {
    await run('symbolic-ref', 'refs/heads/alias', 'refs/heads/main');
    expect(await readRefs(counting, folder)).to.deep.equal(await gitsOwn());
    expect(asked).to.equal(1);
    await run('symbolic-ref', '--delete', 'refs/heads/alias');
    for (let index = 0; index < 201; index += 1) {
      await writeFile(join(folder, `refs/tags/t${index}`), `${head}\n`);
    }
    expect(await readRefs(counting, folder)).to.deep.equal(await gitsOwn());
    expect(asked).to.equal(2);
  });

  it('leave out what an interrupted update left, and comments', async () => {
    const before = await gitsOwn();
    await writeFile(join(folder, 'refs/heads/other.lock'), '');
    await run('pack-refs', '--all');
    await appendFile(join(folder, 'packed-refs'), '# a comment\n');
    expect(await readRefs(counting, folder)).to.deep.equal(before);
    expect(asked).to.equal(0);
  });
});
