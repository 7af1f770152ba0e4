import { expect } from 'chai';
import { answering, deploymentsOn, stackFile } from '../helpers/deployments.ts';
import { httpGet } from '../helpers/http-get.ts';
import type { PlatformProcess } from '../helpers/platform-process.ts';
import { sharedPlatform } from '../helpers/shared-platform.ts';

describe('kinds of repos', function () {
  this.timeout(240_000);
  let platform: PlatformProcess;
  const on = deploymentsOn(() => platform);
  before(async () => {
    platform = await sharedPlatform();
  });

  it('a private repo is fetched with a token of the app', async () => {
    const api = `http://127.0.0.1:${platform.port}/git/api/v3/repos/carol/hidden`;
    const body = '{"private":true}';
    const made = await httpGet(
      api,
      { 'content-type': 'application/json', 'content-length': String(body.length) },
      { method: 'PUT', body },
    );
    expect(made.status, made.text).to.be.oneOf([200, 201]);
    const repo = await on.repo('carol', 'hidden');
    await on.push(repo, {
      'stack.yml': stackFile('hidden'),
      'hidden/handler.ts': answering('from a private repo'),
    });
    await expectText('carol', '/hidden', 'from a private repo');
    const refs = `http://127.0.0.1:${platform.port}/git/carol/hidden.git/info/refs?service=git-upload-pack`;
    expect((await httpGet(refs)).status).to.equal(401);
    await repo.remove();
  });

  it('handlers of the official node18, node20 and node22 run, with npm dependencies', async () => {
    const repo = await on.repo('carol', 'classic');
    const langs = ['node18', 'node20', 'node22'];
    const stack = langs
      .reduce((text, lang) => text.replace('node-ts', lang), stackFile(...langs))
      .replaceAll('latest', '0.1');
    const handler = `'use strict'
const ms = require('ms')
module.exports = async (event, context) => {
  return context.status(202).headers({ 'x-lang': 'classic' }).succeed({ ms: ms('1m'), got: event.body })
}
`;
    const pack =
      '{"name":"fn","version":"1.0.0","main":"handler.js","dependencies":{"ms":"2.1.3"}}';
    const files = langs.flatMap((lang) => [
      [`${lang}/handler.js`, handler],
      [`${lang}/package.json`, pack],
    ]);
    const sha = await on.push(repo, { 'stack.yml': stack, ...Object.fromEntries(files) });
    const checks = await on.completed('carol', 'classic', sha);
    expect(checks.get('stack-deploy')?.conclusion, JSON.stringify([...checks])).to.equal('success');
    expect(checks.get('node22')?.output.text).to.contain('node-ts runtime');
    for (const lang of langs) {
      const answer = await on.call('carol', `/${lang}`);
      expect([answer.status, answer.headers['x-lang']]).to.deep.equal([202, 'classic']);
      expect(JSON.parse(answer.text)).to.include({ ms: 60_000 });
    }
    await repo.remove();
  });

  const expectText = async (owner: string, path: string, text: string): Promise<void> => {
    const deadline = Date.now() + 60_000;
    let last = '';
    while (Date.now() < deadline) {
      last = (await on.call(owner, path)).text;
      if (last === text) return;
    }
    expect(last).to.equal(text);
  };
});
