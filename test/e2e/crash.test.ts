import { expect } from 'chai';
import { answering, deploymentsOn, stackFile } from '../helpers/deployments.ts';
import { eventually } from '../helpers/eventually.ts';
import { type PlatformProcess, startPlatformProcess } from '../helpers/platform-process.ts';
import { tempDir } from '../helpers/temp-dir.ts';

describe('kill -9 in the middle of ten deployments', function () {
  this.timeout(300_000);

  it('npm start again ends with ten live deployments', async () => {
    const folder = await tempDir();
    let platform: PlatformProcess = await startPlatformProcess(folder.path, ['--port', '0']);
    const on = deploymentsOn(() => platform);
    const names = Array.from({ length: 10 }, (_, index) => `fn-${index}`);
    try {
      const pushed = await Promise.all(
        names.map(async (name) => {
          const repo = await on.repo('dora', name);
          const sha = await on.push(repo, {
            'stack.yml': stackFile(name),
            [`${name}/handler.ts`]: answering(`I am ${name}`),
          });
          await repo.remove();
          return { name, sha };
        }),
      );
      // Some have come through, others are on their way: that is the middle.
      await eventually(
        async () => {
          const answers = await Promise.all(names.map((name) => on.call('dora', `/${name}`)));
          expect(answers.some(({ status }) => status === 200)).to.equal(true);
        },
        { timeoutMs: 60_000 },
      );
      await platform.kill();
      platform = await startPlatformProcess(folder.path, ['--port', String(platform.port)]);
      for (const { name, sha } of pushed) {
        const checks = await on.completed('dora', name, sha);
        expect(checks.get('stack-deploy')?.conclusion, name).to.equal('success');
        expect((await on.call('dora', `/${name}`)).text).to.equal(`I am ${name}`);
      }
    } finally {
      await platform.stop();
      await folder.remove();
    }
  });
});
