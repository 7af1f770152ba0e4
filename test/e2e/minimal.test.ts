import { expect } from 'chai';
import { neededFunctions } from '#shared/doctor/needs.ts';
import { answering, deploymentsOn, stackFile } from '../helpers/deployments.ts';
import { eventually } from '../helpers/eventually.ts';
import {
  type PlatformProcess,
  secretOf,
  startPlatformProcess,
} from '../helpers/platform-process.ts';
import { tempDir } from '../helpers/temp-dir.ts';

describe('a platform with the minimal selection of functions', function () {
  this.timeout(240_000);
  let folder: Awaited<ReturnType<typeof tempDir>>;
  let platform: PlatformProcess;
  const on = deploymentsOn(() => platform);

  before(async () => {
    folder = await tempDir();
    platform = await startPlatformProcess(folder.path, ['--port', '0']);
  });
  after(async () => {
    await platform?.stop();
    await folder?.remove();
  });

  /** The gateway's `/system` API. */
  const system = async (method: string, body?: object): Promise<unknown> => {
    const login = `admin:${await secretOf(platform, 'basic-auth-password')}`;
    const answer = await fetch(`http://127.0.0.1:${platform.port}/system/functions`, {
      method,
      headers: { authorization: `Basic ${Buffer.from(login).toString('base64')}` },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    expect(answer.ok, `${method} ${answer.status}`).to.equal(true);
    return method === 'GET' ? answer.json() : undefined;
  };
  const names = async () => ((await system('GET')) as { name: string }[]).map(({ name }) => name);

  it('brings a push live, updates it and says why another one fails', async () => {
    const optional = (await names()).filter((name) => !neededFunctions.includes(name));
    expect(optional).to.include.members(['dashboard', 'pipeline-log', 'audit-event']);
    for (const functionName of optional) await system('DELETE', { functionName });
    expect((await names()).sort()).to.deep.equal([...neededFunctions].sort());

    const repo = await on.repo('alice', 'least');
    const files = { 'stack.yml': stackFile('least', 'gone') };
    const first = await on.push(repo, {
      ...files,
      'least/handler.ts': answering('one'),
      'gone/handler.ts': answering('two'),
    });
    const live = await on.completed('alice', 'least', first);
    expect([...live.values()].map(({ conclusion }) => conclusion)).to.deep.equal(
      Array(3).fill('success'),
    );
    expect((await on.call('alice', '/least')).text).to.equal('one');

    const second = await on.push(repo, {
      'stack.yml': stackFile('least'),
      'least/handler.ts': answering('other'),
    });
    await on.completed('alice', 'least', second);
    expect((await on.call('alice', '/least')).text).to.equal('other');
    await eventually(async () => expect((await on.call('alice', '/gone')).status).to.equal(404));

    const bad = await on.push(repo, { 'least/handler.ts': 'export default async ( => 1;\n' });
    const failed = (await on.completed('alice', 'least', bad)).get('least');
    expect(failed?.conclusion).to.equal('failure');
    expect(JSON.stringify(failed?.output)).to.contain('handler.ts');
    expect((await on.call('alice', '/least')).text).to.equal('other');
    await repo.remove();
  });
});
