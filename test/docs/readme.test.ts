import { existsSync } from 'node:fs';
import { join, posix } from 'node:path';
import { expect } from 'chai';
import { tableRows } from '../helpers/markdown-table.ts';
import { environmentFile, platformStack } from '../helpers/platform-environment.ts';
import { projectFiles, readSource, root } from '../helpers/source-files.ts';

const readme = readSource('README.md');
const documents = projectFiles().filter(
  (path) => path.endsWith('.md') && !path.startsWith('test/fixtures/'),
);

/** The anchors of a document's headings, as GitHub makes them. */
function anchors(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map((match) =>
    (match[1] ?? '')
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}

describe('README.md', () => {
  it('has the table of functions as stack.yml has them', () => {
    const functions = tableRows(readme, 'function').map(([name]) => name);
    expect([...functions].sort()).to.deep.equal(
      platformStack()
        .functions.map(({ key }) => key as string)
        .sort(),
    );
  });

  it('counts the functions that one cannot do without, which fit into OpenFaaS CE', () => {
    const needed = tableRows(readme, 'function').filter((cells) => !cells[3]?.startsWith('yes'));
    expect(needed).to.have.length.within(5, 15);
    expect(readme).to.include(`the platform needs ${needed.length} of them`);
  });

  it('has the variables that must be set, as docs/configuration.md names them', () => {
    const must = /You must set, for a cluster: ([^.]+)\./.exec(readSource('docs/configuration.md'));
    const named = [...(must?.[1] ?? '').matchAll(/`(\w+)`/g)].map((match) => match[1] ?? '');
    const rows = tableRows(readme, 'variable');
    expect(rows.flatMap(([names = '']) => names.split(', ')).sort()).to.deep.equal(named.sort());
    for (const [names = '', file = ''] of rows) {
      expect(environmentFile(file)).to.include.keys(names.split(', '));
    }
  });

  it('has the secrets that stack.yml names', () => {
    const rows = tableRows(readme, 'secret');
    const named = platformStack().functions.flatMap(({ secrets }) => secrets as string[]);
    expect(rows.flatMap(([names = '']) => names.split(', ')).sort()).to.deep.equal(
      [...new Set(named)].sort(),
    );
  });

  it('names commands that exist', () => {
    const { scripts } = JSON.parse(readSource('package.json')) as {
      scripts: Record<string, string>;
    };
    const used = documents.flatMap((path) =>
      [...readSource(path).matchAll(/\bnpm (?:run (\w+)|(start|test)\b)/g)].map(
        (match) => match[1] ?? match[2] ?? '',
      ),
    );
    expect(used.filter((name) => !(name in scripts))).to.deep.equal([]);
  });
});

describe('documents', () => {
  it('link to files and headings that exist', () => {
    const broken = documents.flatMap((path) =>
      [...readSource(path).matchAll(/\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]*))?\)/g)]
        .map(([, file = '', anchor]) => {
          const target = file === '' ? path : posix.join(posix.dirname(path), file);
          if (!existsSync(join(root, target))) return `${path}: ${file}`;
          if (anchor === undefined || anchors(readSource(target)).includes(anchor)) return '';
          return `${path}: ${file}#${anchor}`;
        })
        .filter((problem) => problem !== ''),
    );
    expect(broken).to.deep.equal([]);
  });

  it('name paths of the tree that exist', () => {
    const named = /`((?:functions|shared|local|template|secrets|test|docs)\/[\w./-]*[\w/])`/g;
    const broken = documents
      .filter((path) => path !== 'CONTRIBUTING.md')
      .flatMap((path) =>
        [...readSource(path).matchAll(named)]
          .map((match) => match[1] ?? '')
          .filter((name) => !/^functions\/[ab]$/.test(name) && !existsSync(join(root, name)))
          .map((name) => `${path}: ${name}`),
      );
    expect(broken).to.deep.equal([]);
  });
});
