import { appendFile, cp, mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { createLogger } from '#shared/log.ts';
import { createRegistryClient } from '#shared/registry/registry-client.ts';
import { deployPlatformFunctions } from '../../../local/platform/platform-functions.ts';
import { createRegistry, type Registry } from '../../../local/registry/registry.ts';
import { listen, type TestServer } from '../../helpers/listen.ts';
import { tempDir } from '../../helpers/temp-dir.ts';

const project = join(import.meta.dirname, '../../..');
const stack = `version: 1.0
provider:
  name: openfaas
configuration:
  copy:
    - ./shared
functions:
  one:
    lang: node-ts
    handler: ./functions/one
    image: one
`;

describe('functions of the platform', function () {
  this.timeout(60_000);
  let dir: Awaited<ReturnType<typeof tempDir>>;
  let registry: Registry;
  let server: TestServer;
  let root: string;

  before(async () => {
    dir = await tempDir();
    registry = await createRegistry({
      folder: join(dir.path, 'registry'),
      log: createLogger({}, () => undefined),
      authorizePush: () => true,
    });
    server = await listen((request, response) => void registry.handle(request, response));
    root = join(dir.path, 'project');
    for (const folder of ['template/node-ts', 'local/builder']) {
      await cp(join(project, folder), join(root, folder), { recursive: true });
    }
    await symlink(join(project, 'node_modules'), join(root, 'node_modules'));
    const files = {
      'stack.yml': stack,
      'functions/one/handler.ts':
        "import { text } from '../../shared/text.ts';\nexport default () => text;\n",
      'shared/text.ts': "export const text = 'one';\n",
    };
    for (const [path, content] of Object.entries(files)) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), content);
    }
  });

  after(async () => {
    await registry.close();
    await server.close();
    await dir.remove();
  });

  /** The image that a start deploys, and whether it was built for that. */
  const start = async () => {
    let image = '';
    let wasBuilt = false;
    await deployPlatformFunctions({
      root,
      recordFile: join(dir.path, 'records.json'),
      registry: `127.0.0.1:${server.port}`,
      registryClient: createRegistryClient(),
      environment: {},
      deploy: async (deployment) => {
        image = deployment.image;
      },
      scms: [],
      onDeployed: (_, built) => {
        wasBuilt = built;
      },
      signal: new AbortController().signal,
    });
    return { image, wasBuilt };
  };

  it('are built once, and anew when their code, the template, or how they are built has changed', async () => {
    const first = await start();
    expect(first.wasBuilt).to.equal(true);
    expect(await start()).to.deep.equal({ ...first, wasBuilt: false });

    await writeFile(join(root, 'shared/text.ts'), "export const text = 'other';\n");
    const other = await start();
    expect(other.wasBuilt).to.equal(true);
    expect(other.image).not.to.equal(first.image);

    for (const path of ['template/node-ts/build.mjs', 'local/builder/lean-packages.mjs']) {
      await appendFile(join(root, path), '// changed\n');
      expect(await start(), path).to.deep.equal({ ...other, wasBuilt: true });
      expect(await start(), path).to.deep.equal({ ...other, wasBuilt: false });
    }
  });
});
