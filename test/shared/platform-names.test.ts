import { expect } from 'chai';
import { parse } from 'yaml';
import { isPlatformFunction, isPlatformSecret } from '#shared/platform-names.ts';
import { projectFiles, readSource } from '../helpers/source-files.ts';

interface Stack {
  readonly functions: Record<string, { readonly secrets?: readonly string[] }>;
}

describe('the names of the platform', () => {
  const stack: Stack = parse(readSource('stack.yml'));

  it('hold every function of stack.yml', () => {
    const names = Object.keys(stack.functions);
    expect(names).to.have.length.greaterThan(10);
    expect(names.filter((name) => !isPlatformFunction(name))).to.deep.equal([]);
  });

  it('hold every secret of stack.yml', () => {
    const names = Object.values(stack.functions).flatMap(({ secrets = [] }) => secrets);
    expect(names).to.include('payload-secret');
    expect(names.filter((name) => !isPlatformSecret(name))).to.deep.equal([]);
  });

  it('hold every secret that the code reads by name', () => {
    const names = projectFiles('functions', 'shared')
      .filter((path) => path.endsWith('.ts'))
      .flatMap((path) => [...readSource(path).matchAll(/ecret\(\s*'([^']+)'/g)])
      .map((match) => match[1] ?? '');
    expect(names).to.include.members(['payload-secret', 'of-client-secret']);
    expect(names.filter((name) => !isPlatformSecret(name))).to.deep.equal([]);
  });

  it('are no prefix of just anything', () => {
    expect(isPlatformFunction('alice-hello')).to.equal(false);
    expect(isPlatformSecret('alice-payload-secret')).to.equal(false);
    expect(isPlatformSecret('customers2')).to.equal(false);
  });
});
