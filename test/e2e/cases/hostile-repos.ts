import { expect } from 'chai';
import { answering, deploymentsOn, stackFile } from '../../helpers/deployments.ts';
import type { PlatformProcess } from '../../helpers/platform-process.ts';

/** Tests that a platform builds nothing of a repo that reaches out of itself. */
export function refusesHostileRepos(platform: () => PlatformProcess, timeoutMs?: number): void {
  const on = deploymentsOn(platform, timeoutMs);
  const refusedPush = async (name: string, files: Parameters<typeof on.push>[1]) => {
    const repo = await on.repo('carol', name);
    const sha = await on.push(repo, files);
    const checks = await on.completed('carol', name, sha);
    await repo.remove();
    const stack = checks.get('stack-deploy');
    expect(stack?.conclusion).to.equal('failure');
    return stack?.output.summary ?? '';
  };

  it('refuses a link to a secret of the platform', async () => {
    const text = await refusedPush('linked', {
      'stack.yml': stackFile('linked'),
      'linked/handler.ts': answering('x'),
      'linked/key.txt': { link: '/var/openfaas/secrets/payload-secret' },
    });
    expect(text).to.contain('linked/key.txt').and.to.match(/link/);
  });

  it('refuses a handler outside the repo', async () => {
    const text = await refusedPush('outside', {
      'stack.yml': stackFile('outside').replace('./outside', '../..'),
      'outside/handler.ts': answering('x'),
    });
    expect(text).to.contain('../..');
  });

  it('refuses a function key that is a path', async () => {
    const text = await refusedPush('keyed', {
      'stack.yml': stackFile('keyed').replace('  keyed:', '  ../../x:'),
      'keyed/handler.ts': answering('x'),
    });
    expect(text).to.contain('../../x');
  });
}
