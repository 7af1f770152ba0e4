import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { createFolderTree } from '#shared/shrinkwrap/folder-tree.ts';
import { tempDir } from '../../helpers/temp-dir.ts';

describe('createFolderTree', () => {
  let root: string;
  let remove: () => Promise<void>;

  beforeEach(async () => {
    ({ path: root, remove } = await tempDir());
  });
  afterEach(() => remove());

  const failure = (promise: Promise<unknown>) =>
    promise.then(
      () => undefined,
      (error: NodeJS.ErrnoException) => error,
    );

  it('lists and reads files with their modes, and leaves out .git of the root', async () => {
    await mkdir(join(root, 'a/.git'), { recursive: true });
    await mkdir(join(root, '.git'));
    await writeFile(join(root, 'a/run.sh'), 'hi');
    await chmod(join(root, 'a/run.sh'), 0o755);
    const tree = createFolderTree(root);
    expect((await tree.list(''))?.map(({ path, kind }) => [path, kind])).to.deep.equal([
      ['a', 'directory'],
    ]);
    const entries = await tree.list('a');
    expect(entries).to.have.length(2);
    expect(entries).to.deep.include({ path: 'a/run.sh', kind: 'file', mode: 0o755, size: 2 });
    expect(String(await tree.read('a/run.sh'))).to.equal('hi');
    expect(await tree.list('nope')).to.equal(undefined);
    expect(await tree.list('a/run.sh')).to.equal(undefined);
  });

  it('shows links as links and follows none, not even above a file', async () => {
    await mkdir(join(root, 'real'));
    await writeFile(join(root, 'real/secret'), 'secret');
    await symlink(join(root, 'real'), join(root, 'folder'));
    await symlink('/etc/passwd', join(root, 'file'));
    const tree = createFolderTree(root);
    const kinds = new Map((await tree.list(''))?.map(({ path, kind }) => [path, kind]));
    expect([kinds.get('folder'), kinds.get('file')]).to.deep.equal(['symlink', 'symlink']);
    expect(await tree.list('folder')).to.equal(undefined);
    expect(await failure(tree.read('file'))).to.have.property('code', 'ELOOP');
    expect(await failure(tree.read('folder/secret'))).to.have.property(
      'code',
      'OFC_SOURCE_REFUSED',
    );
  });

  it('refuses sockets and the like', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(root, 's'), resolve));
    try {
      const tree = createFolderTree(root);
      expect(await failure(tree.list(''))).to.have.property('code', 'OFC_SOURCE_REFUSED');
    } finally {
      server.close();
    }
  });
});
