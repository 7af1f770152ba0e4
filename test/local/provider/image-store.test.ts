import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { CloudError } from '#shared/errors.ts';
import { createImageStore, type ImageStore } from '../../../local/provider/image-store.ts';
import { tempDir } from '../../helpers/temp-dir.ts';
import { type MemoryImages, memoryImages } from './memory-images.ts';

describe('image store', () => {
  let dir: Awaited<ReturnType<typeof tempDir>>;
  let images: MemoryImages;
  let store: ImageStore;

  beforeEach(async () => {
    dir = await tempDir();
    images = memoryImages();
    store = createImageStore(dir.path, images);
  });

  afterEach(() => dir.remove());

  const failure = async (reference: string): Promise<string> => {
    const error = await store.get(reference).catch((thrown: unknown) => thrown);
    expect(error).to.be.instanceOf(CloudError);
    expect(error).to.include({ code: 'OFC_DEPLOY_FAILED' });
    expect((await readdir(dir.path)).filter((name) => name.endsWith('.tmp'))).to.deep.equal([]);
    return (error as CloudError).message;
  };

  it('pulls an image once, for all who ask at the same time and for the next run', async () => {
    const digest = await images.addFunction('r/a:1', 'code', ['A=1']);
    const [first, second] = await Promise.all([store.get('r/a:1'), store.get('r/a:1')]);
    expect(first).to.deep.equal(second);
    expect(first.digest).to.equal(digest);
    expect(first.config).to.deep.include({ env: ['A=1'], workingDir: '/home/app' });
    expect(await readFile(join(first.root, 'home/app/index.mjs'), 'utf8')).to.equal('code');
    await createImageStore(dir.path, images).get('r/a:1');
    expect(images.pulls).to.equal(1);
  });

  it('puts later layers over earlier ones', async () => {
    const name = 'home/app/index.mjs';
    await images.add('r/a:1', [[{ name, body: '1' }], [{ name, body: '2' }]]);
    const { root } = await store.get('r/a:1');
    expect(await readFile(join(root, name), 'utf8')).to.equal('2');
  });

  it('refuses what it cannot run, and keeps nothing of it', async () => {
    await images.add('r/engine:1', [[{ name: 'x', body: '' }]], { Labels: {} });
    await images.add('r/python:1', [[{ name: 'x', body: '' }]], { Cmd: ['python'] });
    await images.add('r/evil:1', [[{ name: '../x', body: '' }]]);
    await images.add('r/odd:1', [], { Env: 'A=1' });
    expect(await failure('r/engine:1')).to.match(/needs a container engine/);
    expect(await failure('r/python:1')).to.match(/needs a container engine/);
    expect(await failure('r/evil:1')).to.match(/refused/);
    expect(await failure('r/odd:1')).to.match(/configuration cannot be read/);
    expect(await failure('r/absent:1')).to.match(/does not exist/);
    expect(await readdir(dir.path)).to.deep.equal([]);
  });

  it('tries again after a pull that failed', async () => {
    await images.addFunction('r/a:1', 'code');
    const { pullBlob } = images;
    images.pullBlob = () => Promise.reject(new Error('connection lost'));
    expect(await failure('r/a:1')).to.match(/could not be pulled: connection lost/);
    images.pullBlob = pullBlob;
    expect(await store.get('r/a:1')).to.have.property('root');
  });

  it('deletes images that are neither used nor recent', async () => {
    const used = await images.addFunction('r/a:1', 'a');
    await images.addFunction('r/b:1', 'b');
    await store.get('r/a:1');
    await store.get('r/b:1');
    await store.prune(new Set([used]), 60_000);
    expect(await readdir(dir.path)).to.have.length(2);
    await store.prune(new Set([used]), -1);
    expect(await readdir(dir.path)).to.deep.equal([used.replace(':', '-')]);
    expect(await store.get('r/b:1'), 'it can be pulled again').to.have.property('root');
  });
});
