import { mkdir, readdir, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { createLogger } from '#shared/log.ts';
import { createRegistryClient } from '#shared/registry/registry-client.ts';
import { parseStack } from '#shared/stack-file/parse-stack.ts';
import type { StackFunction } from '#shared/stack-file/stack-file.ts';
import { createOwnBuilder, type OwnBuilder } from '../../../local/builder/build-own-function.ts';
import { endEsbuild } from '../../../local/builder/esbuild-process.ts';
import { createProcessProvider } from '../../../local/provider/process-provider.ts';
import type { Provider } from '../../../local/provider/provider.ts';
import { createRegistryImages } from '../../../local/provider/registry-images.ts';
import { createRegistry, type Registry } from '../../../local/registry/registry.ts';
import { listen, type TestServer } from '../../helpers/listen.ts';
import { tempDir } from '../../helpers/temp-dir.ts';
import { call, specOf } from '../provider/calls.ts';

const quiet = createLogger({}, () => undefined);
const project = join(import.meta.dirname, '../../..');

describe('a build of a function of the platform', function () {
  this.timeout(60_000);
  let dir: Awaited<ReturnType<typeof tempDir>>;
  let registry: Registry;
  let server: TestServer;
  let provider: Provider;
  let host: string;
  let functions: readonly StackFunction[];
  const registryClient = createRegistryClient();
  let builder: OwnBuilder;
  /** With the project's code and a folder for bundles of its own: other tests may be building beside this one. */
  let root: string;

  const build = (name: string, asset?: string): Promise<string> => {
    const fn = functions.find(({ key }) => key === name);
    if (fn === undefined) throw new Error(`no ${name}`);
    const content = Buffer.from('an asset');
    const entries =
      asset === undefined
        ? []
        : [{ kind: 'file' as const, path: asset, mode: 0o644 as const, content }];
    const image = `${host}/platform/${name}:latest`;
    return builder.build({ fn, entries, image, registry: registryClient });
  };

  before(async () => {
    dir = await tempDir();
    root = join(dir.path, 'project');
    await mkdir(root);
    for (const name of ['functions', 'template'])
      await symlink(join(project, name), join(root, name));
    registry = await createRegistry({
      folder: join(dir.path, 'registry'),
      log: quiet,
      authorizePush: () => true,
    });
    server = await listen((request, response) => void registry.handle(request, response));
    host = `127.0.0.1:${server.port}`;
    provider = await createProcessProvider({
      folder: join(dir.path, 'provider'),
      images: createRegistryImages(registryClient),
      readSecret: async () => undefined,
      log: quiet,
    });
    functions = parseStack(await readFile(join(project, 'stack.yml'), 'utf8')).functions;
  });

  beforeEach(() => {
    builder = createOwnBuilder(root);
  });

  afterEach(() => builder.close());

  after(async () => {
    await provider.close();
    await registry.close();
    await server.close();
    await endEsbuild();
    await dir.remove();
  });

  it('makes an image that runs, the same one whatever was built before, and leaves nothing in the project', async () => {
    const digest = await build('echo');
    const [others] = await Promise.all([build('list-functions'), build('system-metrics')]);
    expect(others).not.to.equal(digest);
    expect(await build('echo')).to.equal(digest);
    await builder.close();
    await provider.deploy(specOf('echo', { image: `${host}/platform/echo@${digest}` }));
    expect(await call(provider, 'echo', '/a/path')).to.contain('/a/path');
    expect(await readdir(join(root, 'dist'))).to.deep.equal([]);
  });

  it('has the assets of the context beside the bundle', async () => {
    const digest = await build('git-tar', 'function/template/node-ts/template.yml');
    const image = `${host}/platform/git-tar@${digest}`;
    await provider.deploy(specOf('git-tar', { image }), { start: false });
    const unpacked = join(dir.path, 'provider/images', digest.replace(':', '-'), 'root/home/app');
    expect(await readdir(unpacked)).to.include('index.mjs');
    const asset = await readFile(join(unpacked, 'template/node-ts/template.yml'), 'utf8');
    expect(asset).to.equal('an asset');
  });
});
