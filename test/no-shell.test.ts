import { expect } from 'chai';
import { projectFiles, readSource } from './helpers/source-files.ts';

/** Ways to run a command line through a shell, or text as code. */
const forbidden: readonly (readonly [string, RegExp])[] = [
  ['exec', /\b(?:import|const)\s*\{[^}]*\bexec\b[^}]*\}[^;]*child_process/],
  ['exec', /(?:child_process|childProcess|\bcp)\.exec(?:Sync)?\s*\(/],
  ['execSync', /\bexecSync\b/],
  ['shell option', /\bshell:(?!\s*false\b)/],
  [
    'a shell by name',
    /\b(?:spawn|spawnSync|execFile|execFileSync)\(\s*['"](?:\/bin\/)?(?:ba|da|z)?sh['"]/,
  ],
  ['eval', /(?<![\w.$'"`])eval\s*\(/],
  ['new Function', /\bnew Function\s*\(/],
];

function findings(path: string, source: string): string[] {
  const code = source.replace(/^\s*(?:\/\/|\*|\/\*).*$/gm, '');
  return forbidden.flatMap(([name, pattern]) => (pattern.test(code) ? [`${path}: ${name}`] : []));
}

describe('no shell', () => {
  it('is started anywhere: commands are argument lists', () => {
    const sources = projectFiles(
      'functions',
      'shared',
      'local',
      'template',
      'secrets',
      'test',
    ).filter((path) => /\.(?:ts|mts|mjs|js|cjs)$/.test(path) && path !== 'test/no-shell.test.ts');
    expect(sources).to.have.length.above(300);
    expect(sources.flatMap((path) => findings(path, readSource(path)))).to.deep.equal([]);
  });

  it('would be found', () => {
    const bad = [
      "import { exec } from 'node:child_process';",
      "import { execFile, exec as run } from 'node:child_process';",
      "const { exec } = require('child_process');",
      "childProcess.exec('ls');",
      "execSync('ls');",
      "spawn('ls', [], { shell: true });",
      "spawn('ls', [], { shell: '/bin/bash' });",
      "spawn('sh', ['-c', text]);",
      "execFile('/bin/bash', ['-c', text]);",
      'eval(text);',
      'new Function(text)();',
    ];
    for (const source of bad) expect(findings('a.ts', source), source).to.not.deep.equal([]);
  });

  it('is not seen where there is none', () => {
    const good = [
      "import { execFile } from 'node:child_process';\nexecFile('git', args, { shell: false });",
      'const match = /^a/.exec(text);',
      '// eval( is not used here',
    ];
    for (const source of good) expect(findings('a.ts', source), source).to.deep.equal([]);
  });
});
