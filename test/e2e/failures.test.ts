import { expect } from 'chai';
import { answering, deploymentsOn, stackFile } from '../helpers/deployments.ts';
import { eventually } from '../helpers/eventually.ts';
import type { PlatformProcess } from '../helpers/platform-process.ts';
import { sharedPlatform } from '../helpers/shared-platform.ts';

describe('a push that cannot go live', function () {
  this.timeout(240_000);
  let platform: PlatformProcess;
  const on = deploymentsOn(() => platform);
  before(async () => {
    platform = await sharedPlatform();
  });

  it('a build that fails is red with a readable log, and the version before stays live', async () => {
    const repo = await on.repo('alice', 'breaking');
    const files = { 'stack.yml': stackFile('breaking') };
    const good = await on.push(repo, { ...files, 'breaking/handler.ts': answering('good') });
    await on.completed('alice', 'breaking', good);
    const bad = await on.push(repo, { 'breaking/handler.ts': 'export default async ( => 1;\n' });
    const checks = await on.completed('alice', 'breaking', bad);
    const check = checks.get('breaking');
    expect(check?.conclusion).to.equal('failure');
    expect(checks.get('stack-deploy')?.conclusion).to.equal('failure');
    expect(check?.output.text).to.contain('handler.ts');
    expect((await on.call('alice', '/breaking')).text).to.equal('good');
    await repo.remove();
  });

  it('a function that dies at its start is red with its words, and the version before stays live', async () => {
    const repo = await on.repo('alice', 'crashing');
    const files = { 'stack.yml': stackFile('crashing') };
    const good = await on.push(repo, { ...files, 'crashing/handler.ts': answering('alive') });
    await on.completed('alice', 'crashing', good);
    const bad = await on.push(repo, {
      'crashing/handler.ts':
        "throw new Error('no such planet');\nexport default async () => 'x';\n",
    });
    const checks = await on.completed('alice', 'crashing', bad);
    expect(checks.get('crashing')?.conclusion).to.equal('failure');
    expect(JSON.stringify(checks.get('crashing')?.output)).to.contain('no such planet');
    await eventually(async () =>
      expect((await on.call('alice', '/crashing')).text).to.equal('alive'),
    );
    await repo.remove();
  });

  it('a broken stack.yml is red with its line', async () => {
    const repo = await on.repo('alice', 'unreadable');
    const sha = await on.push(repo, {
      'stack.yml': 'provider:\n  name: openfaas\nfunctions:\n  one:\n    lang: [node-ts\n',
    });
    const check = (await on.completed('alice', 'unreadable', sha)).get('stack-deploy');
    expect(check?.conclusion).to.equal('failure');
    expect(check?.output.summary).to.match(/stack\.yml line [56]/);
    await repo.remove();
  });

  it('another language is red and says what is needed', async () => {
    const repo = await on.repo('alice', 'cobol');
    const sha = await on.push(repo, {
      'stack.yml': stackFile('old').replace('node-ts', 'cobol'),
      'old/handler.cob': 'STOP RUN.\n',
    });
    const check = (await on.completed('alice', 'cobol', sha)).get('stack-deploy');
    expect(check?.conclusion).to.equal('failure');
    expect(check?.output.summary).to.contain('cobol').and.to.contain('node-ts');
    await repo.remove();
  });

  it('another branch gets a neutral check, [skip ci] one too, and nothing is deployed', async () => {
    const repo = await on.repo('alice', 'branches');
    const sha = await on.push(repo, {
      'stack.yml': stackFile('branches'),
      'branches/handler.ts': answering('from main'),
    });
    await on.completed('alice', 'branches', sha);
    await repo.git('checkout', '--quiet', '-b', 'idea');
    const idea = await repo.commit({ 'branches/handler.ts': answering('from idea') });
    await repo.push('idea');
    const checks = await on.completed('alice', 'branches', idea);
    expect(checks.get('stack-deploy')?.conclusion).to.equal('neutral');
    expect(checks.get('stack-deploy')?.output.summary).to.contain('idea').and.to.contain('main');
    await repo.git('checkout', '--quiet', 'main');
    const skipped = await on.push(
      repo,
      { 'branches/handler.ts': answering('x') },
      'Words [skip ci]',
    );
    const skip = await on.completed('alice', 'branches', skipped);
    expect(skip.get('stack-deploy')?.conclusion).to.equal('neutral');
    expect((await on.call('alice', '/branches')).text).to.equal('from main');
    await repo.remove();
  });
});
