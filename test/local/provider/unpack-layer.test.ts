import { mkdir, readdir, readFile, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { CloudError } from '#shared/errors.ts';
import { unpackLayer } from '../../../local/provider/unpack-layer.ts';
import { tempDir } from '../../helpers/temp-dir.ts';
import { setSize, sizeTricks } from '../../shared/tar/size-tricks.ts';
import { tarOf } from './memory-images.ts';

type Entries = Parameters<typeof tarOf>[0];

describe('unpackLayer', () => {
  let dir: Awaited<ReturnType<typeof tempDir>>;
  let root: string;

  const unpack = async (entries: Entries, limits = { bytes: 1e6, entries: 100 }): Promise<void> => {
    const layer = Readable.from([gzipSync(await tarOf(entries))]);
    await unpackLayer(layer, { root, gzip: true, limits });
  };
  const read = (path: string): Promise<string> => readFile(join(root, path), 'utf8');

  beforeEach(async () => {
    dir = await tempDir();
    root = join(dir.path, 'root');
    await mkdir(root);
  });

  afterEach(() => dir.remove());

  it('unpacks files, folders and links over what is there', async () => {
    await unpack([
      { name: './app/', type: 'directory', mode: 0o700 },
      { name: './app/a.txt', body: 'one', mode: 0o4755 },
      { name: 'app/b.txt', body: 'b' },
    ]);
    await unpack([
      { name: '/app/a.txt', body: 'two' },
      { name: 'app/deep/c.txt', body: 'c' },
      { name: 'app/link', type: 'symlink', linkname: 'a.txt' },
      { name: 'app/deep/up', type: 'symlink', linkname: '../b.txt' },
      { name: 'app/hard', type: 'link', linkname: 'app/b.txt' },
    ]);
    expect(await read('app/a.txt')).to.equal('two');
    expect(await read('app/link')).to.equal('two');
    expect(await read('app/deep/up')).to.equal('b');
    expect(await read('app/hard')).to.equal('b');
    expect(await readlink(join(root, 'app/link'))).to.equal('a.txt');
  });

  for (const [what, size] of Object.entries(sizeTricks)) {
    it(`refuses an entry with a size ${what}, and waits for nothing`, async () => {
      const tar = await tarOf([{ name: 'a', body: 'x' }]);
      setSize(tar, size, '0');
      const layer = Readable.from([gzipSync(tar)]);
      const limits = { bytes: 1e6, entries: 100 };
      const failed = await unpackLayer(layer, { root, gzip: true, limits }).then(
        () => false,
        () => true,
      );
      expect(failed).to.equal(true);
      expect(await readdir(root)).to.deep.equal([]);
    });
  }

  it('keeps the executable bit and drops set-id bits', async () => {
    await unpack([{ name: 'run', body: 'x', mode: 0o6755 }]);
    expect((await stat(join(root, 'run'))).mode & 0o7777).to.equal(0o755);
  });

  it('applies whiteouts and opaque folders of lower layers only', async () => {
    await unpack([
      { name: 'a/one', body: '1' },
      { name: 'a/two', body: '2' },
      { name: 'b/old', body: 'old' },
    ]);
    await unpack([
      { name: 'a/.wh.one' },
      { name: 'b/new', body: 'new' },
      { name: 'b/.wh..wh..opq' },
    ]);
    expect(await readdir(join(root, 'a'))).to.deep.equal(['two']);
    expect(await readdir(join(root, 'b'))).to.deep.equal(['new']);
  });

  const attacks: Record<string, Entries> = {
    'a path that climbs out': [{ name: '../escape', body: 'x' }],
    'a path that climbs out in its middle': [{ name: 'a/../../escape', body: 'x' }],
    'an absolute link': [{ name: 'x', type: 'symlink', linkname: '/etc' }],
    'a link that climbs out': [{ name: 'a/x', type: 'symlink', linkname: '../../escape' }],
    'a link that climbs out over another link': [
      { name: 'top/', type: 'directory' },
      { name: 'a/b/c', type: 'symlink', linkname: '../../top' },
      { name: 'x', type: 'symlink', linkname: 'a/b/c/../..' },
    ],
    'a file below a link': [
      { name: 'd', type: 'symlink', linkname: 'e' },
      { name: 'd/x', body: 'x' },
    ],
    'a hard link from outside': [{ name: 'x', type: 'link', linkname: '../outside' }],
    'a hard link to a link': [
      { name: 'l', type: 'symlink', linkname: 'f' },
      { name: 'x', type: 'link', linkname: 'l' },
    ],
    'a whiteout of the folder above': [{ name: 'a/.wh...' }],
    'a device': [{ name: 'null', type: 'character-device' }],
    'a pipe': [{ name: 'pipe', type: 'fifo' }],
    'too many bytes': [{ name: 'big', body: Buffer.alloc(1e6 + 1) }],
    'too many entries': Array.from({ length: 101 }, (_, i) => ({ name: `f${i}`, body: '' })),
  };
  for (const [what, entries] of Object.entries(attacks)) {
    it(`refuses ${what}`, async () => {
      const error = await unpack(entries).catch((thrown: unknown) => thrown);
      expect(error).to.be.instanceOf(CloudError);
      expect(error).to.include({ code: 'OFC_DEPLOY_FAILED' });
      expect(await readdir(dir.path)).to.deep.equal(['root']);
    });
  }

  it('fails on a layer that is cut off', async () => {
    const whole = gzipSync(await tarOf([{ name: 'a', body: Buffer.alloc(5000, 'a') }]));
    const layer = Readable.from([whole.subarray(0, whole.length - 20)]);
    const limits = { bytes: 1e6, entries: 10 };
    const error = await unpackLayer(layer, { root, gzip: true, limits }).catch((e: unknown) => e);
    expect(error).to.be.instanceOf(Error);
  });
});
