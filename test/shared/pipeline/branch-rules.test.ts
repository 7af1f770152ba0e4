import { expect } from 'chai';
import { parseBranch } from '#shared/names.ts';
import { skippedBranch } from '#shared/pipeline/branch-rules.ts';

describe('branch rules', () => {
  const rule = (branch: string, rules: string[] = [], defaultBranch = 'main') =>
    skippedBranch(parseBranch(branch), parseBranch(defaultBranch), rules);

  it('build the default branch where the operator names none', () => {
    expect(rule('main')).to.equal(undefined);
    expect(rule('trunk', [], 'trunk')).to.equal(undefined);
    expect(rule('dev')).to.equal('Branch dev is not built: the build branch is main.');
  });

  it('build what the operator names instead', () => {
    expect(rule('master', ['master'])).to.equal(undefined);
    expect(rule('main', ['master'])).to.contain('the build branch is master.');
    expect(rule('x', ['a', 'b'])).to.equal('Branch x is not built: the build branches are a, b.');
  });

  it('know patterns', () => {
    expect(rule('release/1.2', ['release/*'])).to.equal(undefined);
    expect(rule('release/1/2', ['release/*'])).to.equal(undefined);
    expect(rule('anything', ['*'])).to.equal(undefined);
    expect(rule('releases', ['release/*'])).to.be.a('string');
  });

  it('compare the whole name, and take nothing but a star for a pattern', () => {
    expect(rule('feature/master', ['master'])).to.be.a('string');
    expect(rule('masterx', ['master'])).to.be.a('string');
    expect(rule('maXter', ['ma.ter'])).to.be.a('string');
    expect(rule('v1+1', ['v1+1'])).to.equal(undefined);
  });

  it('are quick with many stars', () => {
    const begun = performance.now();
    rule('a'.repeat(240), [`${'*'.repeat(200)}b`]);
    expect(performance.now() - begun).to.be.lessThan(200);
  });
});
