import { expect } from 'chai';
import { answering, deploymentsOn, stackFile } from '../helpers/deployments.ts';
import { eventually } from '../helpers/eventually.ts';
import type { PlatformProcess } from '../helpers/platform-process.ts';
import { sharedPlatform } from '../helpers/shared-platform.ts';

describe('push to live', function () {
  this.timeout(240_000);
  let platform: PlatformProcess;
  const on = deploymentsOn(() => platform);
  before(async () => {
    platform = await sharedPlatform();
  });

  it('deploys two functions of one repo, with a check for each and for the stack', async () => {
    const repo = await on.repo('alice', 'two');
    const sha = await on.push(repo, {
      'stack.yml': stackFile('one', 'two'),
      'one/handler.ts': answering('I am one'),
      'two/handler.js': `module.exports = async (event, context) =>
        context.status(201).succeed({ path: event.path, name: event.query.name });\n`,
    });
    const checks = await on.completed('alice', 'two', sha);
    expect([...checks.keys()].sort()).to.deep.equal(['one', 'stack-deploy', 'two']);
    expect([...checks.values()].map(({ conclusion }) => conclusion)).to.deep.equal(
      Array(3).fill('success'),
    );
    expect(checks.get('one')?.details_url).to.equal(`http://alice.localhost:${platform.port}/one`);
    expect((await on.call('alice', '/one')).text).to.equal('I am one');
    const two = await on.call('alice', '/two/a/b?name=x');
    expect([two.status, JSON.parse(two.text)]).to.deep.equal([201, { path: '/a/b', name: 'x' }]);
    await repo.remove();
  });

  it('rolls an update over without a failed request, and drains the old replica', async () => {
    const repo = await on.repo('alice', 'rolling');
    const files = { 'stack.yml': stackFile('rolling') };
    const slow = (text: string) =>
      `export default async () => { await new Promise((done) => setTimeout(done, 30)); return '${text}'; };\n`;
    const first = await on.push(repo, { ...files, 'rolling/handler.ts': slow('old') });
    await on.completed('alice', 'rolling', first);

    const seen: string[] = [];
    let stopped = false;
    const visitor = async (): Promise<void> => {
      while (!stopped) {
        const { status, text } = await on.call('alice', '/rolling');
        seen.push(status === 200 ? text : `${status} ${text}`);
      }
    };
    const visitors = [visitor(), visitor(), visitor()];
    const second = await on.push(repo, { 'rolling/handler.ts': slow('new') });
    await on.completed('alice', 'rolling', second);
    await eventually(() => expect(seen.at(-1)).to.equal('new'));
    stopped = true;
    await Promise.all(visitors);
    expect(new Set(seen)).to.deep.equal(new Set(['old', 'new']));
    await repo.remove();
  });

  it('removes a function that is no longer in stack.yml', async () => {
    const repo = await on.repo('alice', 'shrinking');
    const first = await on.push(repo, {
      'stack.yml': stackFile('stays', 'goes'),
      'stays/handler.ts': answering('still here'),
      'goes/handler.ts': answering('not for long'),
    });
    await on.completed('alice', 'shrinking', first);
    expect((await on.call('alice', '/goes')).status).to.equal(200);
    const second = await on.push(repo, { 'stack.yml': stackFile('stays') });
    await on.completed('alice', 'shrinking', second);
    await eventually(async () => expect((await on.call('alice', '/goes')).status).to.equal(404));
    expect((await on.call('alice', '/stays')).text).to.equal('still here');
    await repo.remove();
  });

  it('installs npm dependencies', async () => {
    const repo = await on.repo('bob', 'dependent');
    const sha = await on.push(repo, {
      'stack.yml': stackFile('dependent'),
      'dependent/handler.js':
        "const ms = require('ms');\nmodule.exports = async () => ms('2 days');\n",
      'dependent/package.json': '{"name":"dependent","private":true,"dependencies":{"ms":"2.1.3"}}',
    });
    const checks = await on.completed('bob', 'dependent', sha);
    expect(checks.get('dependent')?.conclusion, JSON.stringify([...checks])).to.equal('success');
    expect((await on.call('bob', '/dependent')).text).to.equal('172800000');
    await repo.remove();
  });

  it('keeps owners apart: same repo and function names, and names that look alike', async () => {
    const owners = [
      ['alice', 'same', 'hello'],
      ['bob', 'same', 'hello'],
      ['alice', 'alike', 'b-c'],
      ['alice-b', 'alike', 'c'],
    ] as const;
    const pushes = owners.map(async ([owner, name, fn]) => {
      const repo = await on.repo(owner, name);
      const sha = await on.push(repo, {
        'stack.yml': stackFile(fn),
        [`${fn}/handler.ts`]: answering(`${owner}'s ${fn}`),
      });
      const checks = await on.completed(owner, name, sha);
      expect(checks.get('stack-deploy')?.conclusion).to.equal('success');
      await repo.remove();
    });
    await Promise.all(pushes);
    for (const [owner, , fn] of owners) {
      expect((await on.call(owner, `/${fn}`)).text).to.equal(`${owner}'s ${fn}`);
    }
    expect((await on.call('alice', '/c')).status).to.equal(404);
    expect((await on.call('alice-b', '/b-c')).status).to.equal(404);
  });
});
