import { lstatSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect } from 'chai';
import semver from 'semver';
import { projectFiles, readSource, root } from './helpers/source-files.ts';

const files = projectFiles();
const isText = (path: string) => !/\.(?:png|jpg|gif|ico|tar|gz|zip|pack|idx)$/.test(path);
/** Made from the .proto files beside it. */
const isGenerated = (path: string) => path.startsWith('shared/buildkit/generated/');
const lines = (path: string) => readSource(path).trimEnd().split('\n').length;

/** Names that tools or people expect as they are. */
const givenNames =
  /^(?:README|CHANGELOG|CONTRIBUTING|LICENSE|Dockerfile|Caddyfile|\.[a-z].*|[a-z0-9]+_[a-z0-9_]+\.yml)(?:\.md)?$/;
const kebabCase = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+)*$/;

describe('the house', () => {
  it('has the rooms that the README promises', () => {
    const top = new Set(files.map((path) => path.split('/')[0]));
    for (const name of ['functions', 'shared', 'template', 'secrets', 'local', 'test', 'docs']) {
      expect([...top]).to.include(name);
    }
    for (const name of ['stack.yml', 'package.json', 'package-lock.json', 'tsconfig.json']) {
      expect([...top]).to.include(name);
    }
  });

  it('has no empty folders', () => {
    const empty = (folder: string): string[] => {
      const entries = readdirSync(join(root, folder)).filter((name) => name !== 'node_modules');
      if (entries.length === 0) return [folder];
      return entries
        .map((name) => `${folder}/${name}`)
        .filter((path) => lstatSync(join(root, path)).isDirectory())
        .flatMap(empty);
    };
    const rooms = [
      ...new Set(files.filter((path) => path.includes('/')).map((p) => p.split('/')[0])),
    ];
    const found = rooms.flatMap((room) => empty(room ?? ''));
    expect(found).to.deep.equal([]);
  });

  it('keeps source files under 300 lines', () => {
    const long = files.filter(
      (path) =>
        /^(?:functions|shared|local|template|secrets)\/.*\.(?:ts|mjs)$/.test(path) &&
        !isGenerated(path) &&
        lines(path) > 300,
    );
    expect(long).to.deep.equal([]);
  });

  it('names files in kebab-case', () => {
    const odd = files.filter((path) => {
      const name = basename(path);
      const isFixture = /^(?:test\/fixtures|local\/sample)\//.test(path);
      return !isFixture && !isGenerated(path) && !kebabCase.test(name) && !givenNames.test(name);
    });
    expect(odd).to.deep.equal([]);
  });

  it('has a README that is read in one go', () => {
    expect(lines('README.md')).to.be.below(200);
  });

  it('names no folder of the machine it was written on', () => {
    // Written so that this file does not hold what it looks for.
    const machine = new RegExp(
      ['work/(?:main|shared)', 'root/', 'home/(?!(?:app|user|me)\\b)[a-z]+/', 'tmp/ofc\\b']
        .map((p) => `(?<![\\w.$}])/${p}`)
        .join('|'),
    );
    const found = files
      .filter((path) => isText(path) && path !== 'package-lock.json')
      .filter((path) => machine.test(readSource(path)));
    expect(found).to.deep.equal([]);
  });

  it('names no registry in its lock files: each machine has its own', () => {
    for (const lock of files.filter((path) => path.endsWith('package-lock.json'))) {
      expect(readSource(lock), lock).to.not.contain('"resolved"');
    }
  });

  it('locks no package that the oldest supported Node is too old for', () => {
    const { engines } = JSON.parse(readSource('package.json')) as { engines: { node: string } };
    const oldest = semver.minVersion(engines.node)?.version ?? '';
    expect(oldest).to.equal('20.19.0');
    const tooNew = files
      .filter((path) => path.endsWith('package-lock.json'))
      .flatMap((path) => {
        const { packages } = JSON.parse(readSource(path)) as {
          packages: Record<string, { version: string; engines?: { node?: string } }>;
        };
        return Object.entries(packages)
          .filter(([, { engines }]) => !semver.satisfies(oldest, engines?.node ?? '*'))
          .map(([name, { version, engines }]) => `${path}: ${name} ${version}: ${engines?.node}`);
      });
    expect(tooNew).to.deep.equal([]);
  });

  it('holds no key and no secret', () => {
    const key = new RegExp(`-----BEGIN [A-Z ]*PRIVATE ${'KEY'}-----\\s+[A-Za-z0-9+/]{40}`);
    const found = files.filter((path) => isText(path) && key.test(readSource(path)));
    expect(found).to.deep.equal([]);
  });
});
