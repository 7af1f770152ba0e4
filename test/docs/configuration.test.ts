import { expect } from 'chai';
import {
  documentedRuntimeVariables,
  documentedSecrets,
  documentedVariables,
  secretsInCode,
  secretsReadme,
  variablesInCode,
} from '../helpers/documented-settings.ts';
import { environmentFile, platformStack } from '../helpers/platform-environment.ts';
import { projectFiles, readSource } from '../helpers/source-files.ts';

const functions = platformStack().functions.map(({ key }) => key as string);
const sorted = (names: Iterable<string>) => [...new Set(names)].sort();

describe('docs/configuration.md', () => {
  const documented = documentedVariables(functions);
  const inCode = variablesInCode();

  it('lists every variable that the code reads, and no other', () => {
    expect(inCode).to.have.length.above(60);
    expect(sorted(documented.map(({ name }) => name))).to.deep.equal(
      sorted(inCode.map(({ name }) => name)),
    );
    expect(new Set(documented.map(({ name }) => name)).size).to.equal(documented.length);
  });

  it('has the defaults of the code', () => {
    const wrong = documented.filter(({ name, fallback }) => {
      const read = inCode.filter((variable) => variable.name === name);
      return !read.some((variable) => [fallback, undefined].includes(variable.fallback));
    });
    expect(wrong.map(({ name, fallback }) => `${name}: ${fallback}`)).to.deep.equal([]);
  });

  it('lists every variable of the runtime, and no other', () => {
    const runtime = readSource('template/node-ts/runtime/config.ts');
    const main = readSource('template/node-ts/runtime/main.ts');
    const names = [
      ...runtime.matchAll(/\b(?:read|duration|size|flag)(?:<[^>]*>)?\(\s*'(\w+)'/g),
      ...`${runtime}${main}`.matchAll(/env\['(\w+)'\]/g),
      ...readSource('shared/secrets.ts').matchAll(/env\['(\w+)'\]/g),
    ].map((match) => match[1] ?? '');
    expect(sorted(documentedRuntimeVariables().map(({ name }) => name))).to.deep.equal(
      sorted(names),
    );
  });

  it('says of each variable what it means', () => {
    const all = [...documented, ...documentedRuntimeVariables()];
    expect(all.filter(({ meaning }) => meaning === '').map(({ name }) => name)).to.deep.equal([]);
  });

  it('can be complete: functions read their environment in two places only', () => {
    const readers = projectFiles('functions', 'shared')
      .filter((path) => path.endsWith('.ts') && /process\.env/.test(readSource(path)))
      .sort();
    expect(readers).to.deep.equal(['shared/config.ts', 'shared/secrets.ts']);
  });

  it('lists every variable of the files beside stack.yml', () => {
    const names = ['gateway_config', 'github', 'gitlab', 'gitea', 'buildshiprun_limits', 'slack'];
    const given = names.flatMap((name) => Object.keys(environmentFile(`${name}.yml`)));
    const known = new Set(documented.map(({ name }) => name));
    expect(given.filter((name) => !known.has(name))).to.deep.equal([]);
  });

  it('lists every secret that the code reads, as secrets/README.md does', () => {
    const secrets = documentedSecrets(functions);
    expect(sorted(secrets.map(({ name }) => name))).to.deep.equal(sorted(secretsInCode()));
    const readme = secretsReadme(functions);
    expect(Object.fromEntries(readme)).to.deep.equal(
      Object.fromEntries(secrets.map(({ name, readers }) => [name, readers])),
    );
  });
});
