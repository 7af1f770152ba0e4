import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { parse } from 'yaml';

const folder = join(import.meta.dirname, '../../template/node-ts');
const read = (name: string) => readFile(join(folder, name), 'utf8');

describe('template/node-ts: what faas-cli and Docker read', () => {
  it('template.yml has the keys that faas-cli knows', async () => {
    const template = parse(await read('template.yml'));
    expect(template).to.have.all.keys(
      'language',
      'fprocess',
      'handler_folder',
      'build_options',
      'welcome_message',
    );
    expect(template).to.include({ handler_folder: 'function', fprocess: 'node index.mjs' });
    for (const option of template.build_options) {
      expect(option.name).to.be.a('string');
      expect(option.packages).to.be.an('array').that.is.not.empty;
    }
  });

  it('the Dockerfile has a stage for each runtime, and copies only from stages it has', async () => {
    const lines = (await read('Dockerfile')).replaceAll('\\\n', ' ').split('\n');
    const stages = lines.flatMap((line) => /^FROM .* AS (\S+)$/.exec(line)?.[1] ?? []);
    expect(lines.at(-2)).to.match(/^FROM runtime-\$\{WATCHDOG\}$/);
    expect(stages).to.include.members(['runtime-in-process', 'runtime-of-watchdog']);
    for (const line of lines) {
      const from = /^COPY --from=(\S+)/.exec(line)?.[1];
      if (from !== undefined) expect(stages).to.include(from);
    }
  });

  it('packages are installed before the sources are copied, so that the layer is shared', async () => {
    const dockerfile = await read('Dockerfile');
    const at = (text: string) => {
      expect(dockerfile).to.contain(text);
      return dockerfile.indexOf(text);
    };
    expect(at('COPY function/package*.json')).to.be.below(at('id=npmrc cd function'));
    expect(at('id=npmrc cd function')).to.be.below(at('COPY . .'));
  });

  it('pins its tools to the versions of the platform, in manifest and lock file', async () => {
    const { dependencies } = JSON.parse(await read('package.json'));
    const lock = JSON.parse(await read('package-lock.json'));
    const root = JSON.parse(await readFile(join(folder, '../../package.json'), 'utf8'));
    const platform = { ...root.dependencies, ...root.devDependencies };
    for (const [name, version] of Object.entries(dependencies)) {
      expect(version, name).to.equal(platform[name]);
      expect(lock.packages[`node_modules/${name}`].version, name).to.equal(version);
    }
    expect(JSON.stringify(lock)).not.to.contain('"resolved"');
  });
});
