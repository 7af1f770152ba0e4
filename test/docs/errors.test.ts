import { expect } from 'chai';
import { errorCodes } from '#shared/errors.ts';
import { tableRows } from '../helpers/markdown-table.ts';
import { projectFiles, readSource } from '../helpers/source-files.ts';

describe('docs/errors.md', () => {
  const rows = tableRows(readSource('docs/errors.md'), 'code');

  it('lists every code as the code has it, and no other', () => {
    const documented = rows.map(([code, kind, status, meaning]) => [code, kind, status, meaning]);
    const raised = Object.entries(errorCodes).map(([code, { kind, status, meaning }]) => [
      code,
      kind,
      String(status),
      meaning,
    ]);
    expect(documented).to.deep.equal(raised);
  });

  it('says for each what to do', () => {
    expect(rows.filter((cells) => cells.length !== 5 || cells[4] === '')).to.deep.equal([]);
  });

  it('knows every code that the sources and documents name', () => {
    const unknown = projectFiles('functions', 'shared', 'local', 'docs')
      .filter((path) => /\.(?:ts|mjs|md)$/.test(path))
      .flatMap((path) =>
        [...readSource(path).matchAll(/['"`](OFC_[A-Z_]+)\b/g)]
          .map((match) => match[1] ?? '')
          .filter((code) => !(code in errorCodes) && code !== 'OFC_CLASSIC')
          .map((code) => `${path}: ${code}`),
      );
    expect(unknown).to.deep.equal([]);
  });

  it('has no code that nothing raises', () => {
    const sources = projectFiles('functions', 'shared', 'local')
      .filter((path) => path.endsWith('.ts') && path !== 'shared/errors.ts')
      .map(readSource)
      .join('\n');
    const unused = Object.keys(errorCodes).filter((code) => !sources.includes(`'${code}'`));
    expect(unused.filter((code) => code !== 'OFC_INTERNAL')).to.deep.equal([]);
  });
});
