import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { eventually } from '../../helpers/eventually.ts';
import { startGitServer, type TestGitServer } from './harness.ts';

const script = fileURLToPath(new URL('./child-server.ts', import.meta.url));

describe('git server: kill -9', () => {
  let tools: TestGitServer;
  let child: ChildProcess | undefined;
  before(async () => {
    tools = await startGitServer();
  });
  after(async () => {
    child?.kill('SIGKILL');
    await tools.close();
  });

  const start = async (): Promise<string> => {
    const started = spawn(
      process.execPath,
      ['--import', 'tsx', script, `${tools.temp}/child`, tools.receiver.url],
      { stdio: ['ignore', 'pipe', 'ignore'] },
    );
    child = started;
    const [line] = await once(started.stdout, 'data');
    return String(line).trim();
  };

  it('loses no push that the client saw succeed', async () => {
    tools.receiver.answerWith(() => 503);
    const base = await start();
    const folder = await tools.workFolder('alice', 'unused');
    const sha = await tools.commit(folder, { a: '1' });
    await tools.git(folder, 'push', '--quiet', `${base}/git/alice/killed.git`, 'main');
    child?.kill('SIGKILL');
    await once(child as ChildProcess, 'exit');
    expect(tools.receiver.pushes()).to.deep.equal([]);

    tools.receiver.answerWith(() => 202);
    const again = await start();
    await eventually(() => {
      expect(tools.receiver.pushes().map(({ body }) => body.after)).to.deep.equal([sha]);
    });
    const list = await tools.git(
      folder,
      'ls-remote',
      `${again}/git/alice/killed.git`,
      'refs/heads/main',
    );
    expect(list).to.contain(sha);
    expect(tools.receiver.pushes()).to.have.length(1);
  });
});
