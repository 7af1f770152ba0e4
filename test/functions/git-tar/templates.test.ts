import { expect } from 'chai';
import type { FetchedTree } from '#shared/git/fetch-commit.ts';
import { createMemoryTree } from '#shared/shrinkwrap/memory-tree.ts';
import { createTemplates } from '../../../functions/git-tar/templates.ts';
import { expectCode } from '../../helpers/expect-code.ts';

const yml = (language: string) => `language: ${language}\nfprocess: run\nhandler_folder: fn\n`;
const builtIn = createMemoryTree({
  'node-ts/template.yml': yml('node-ts'),
  'node-ts/Dockerfile': 'FROM node\n',
  'no-template/Dockerfile': 'FROM node\n',
});
const repos: Record<string, FetchedTree> = {
  'https://one.example': {
    tree: createMemoryTree({
      'template/go/template.yml': yml('go'),
      'template/go/function/x.go': 'package function\n',
      'go2/template.yml': yml('outside of the folder'),
    }),
    remove: async () => undefined,
  },
  'https://two.example': {
    tree: createMemoryTree({
      'template/go/template.yml': yml('second'),
      'template/rust/template.yml': yml('rust'),
      'template/node-ts/template.yml': yml('impostor'),
    }),
    remove: async () => undefined,
  },
};

function templates(changes: Partial<Parameters<typeof createTemplates>[0]> = {}) {
  const fetched: string[] = [];
  const found = createTemplates({
    builtIn,
    aliases: { node22: 'node-ts' },
    repositories: Object.keys(repos),
    enableDockerfile: false,
    fetch: async (repository) => {
      fetched.push(repository);
      const commit = repos[repository];
      if (commit === undefined) throw new Error('no such repo');
      return commit;
    },
    ...changes,
  });
  return { find: found.find, fetched };
}

describe('templates', () => {
  it('that are built in need no network, and no repo can stand in for them', async () => {
    const { find, fetched } = templates();
    const { tree, yml: file, note } = await find('node-ts');
    expect(file).to.include({ language: 'node-ts', handlerFolder: 'fn' });
    expect((await tree.list(''))?.map(({ path }) => path).sort()).to.deep.equal([
      'Dockerfile',
      'template.yml',
    ]);
    expect(String(await tree.read('Dockerfile'))).to.equal('FROM node\n');
    expect(note).to.equal(undefined);
    expect(fetched).to.deep.equal([]);
  });

  it('come from the operator’s repos, the first that has one', async () => {
    const { find, fetched } = templates();
    const { tree, yml: file } = await find('go');
    expect(file.language).to.equal('go');
    expect((await tree.list('function'))?.map(({ path }) => path)).to.deep.equal(['function/x.go']);
    expect(String(await tree.read('function/x.go'))).to.equal('package function\n');
    expect(await tree.list('nowhere')).to.equal(undefined);
    expect(fetched).to.deep.equal(['https://one.example']);
    expect((await find('rust')).yml.language).to.equal('rust');
  });

  it('can stand for another language, with a word about it', async () => {
    const { yml: file, buildArgs, note } = await templates().find('node22');
    expect(file.language).to.equal('node-ts');
    expect(buildArgs).to.deep.equal({ OFC_CLASSIC: 'node22' });
    expect(note).to.include('node22').and.include('node-ts');
  });

  for (const lang of [
    ...['smalltalk', 'no-template', 'go2', 'constructor', 'valueof', 'hasownproperty'],
    ...[
      '../node-ts',
      'node-ts/..',
      '..',
      '.',
      '',
      'NODE-TS',
      '__proto__',
      'a/b',
      'a\0',
      'x'.repeat(100),
    ],
  ]) {
    it(`has none for ${JSON.stringify(lang).slice(0, 30)}, and says which there are`, async () => {
      const error = await expectCode(templates().find(lang), 'OFC_TEMPLATE');
      expect(error.text).to.include(`"lang: ${lang}"`);
      expect(error.hint).to.include('node-ts, node22').and.include('https://one.example');
    });
  }

  it('says which there are also where there are no repos', async () => {
    const error = await expectCode(templates({ repositories: [] }).find('go'), 'OFC_TEMPLATE');
    expect(error.hint).to.match(/^Known here: node-ts, node22\. /);
  });

  it('for dockerfile are empty, if the operator wants that at all', async () => {
    const error = await expectCode(templates().find('dockerfile'), 'OFC_TEMPLATE');
    expect(error.hint).to.include('enable_dockerfile_lang');
    const { tree, yml: file } = await templates({ enableDockerfile: true }).find('dockerfile');
    expect(file.language).to.equal('dockerfile');
    expect(await tree.list('')).to.deep.equal([]);
    await expectCode(tree.read('Dockerfile'), 'OFC_NOT_FOUND');
  });
});
