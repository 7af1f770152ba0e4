import { expect } from 'chai';
import { chooseEngine } from '../../../local/platform/choose-engine.ts';
import type { ContainerEngineProcess } from '../../helpers/docker-engine.ts';
import { expectCode } from '../../helpers/expect-code.ts';
import { describeWith } from '../../helpers/needs-part.ts';
import { startPodmanEngine } from '../../helpers/podman-engine.ts';
import { tempDir } from '../../helpers/temp-dir.ts';

describeWith(['podman'], 'npm start where only Podman answers', function () {
  this.timeout(60_000);
  let engine: ContainerEngineProcess;
  let temp: Awaited<ReturnType<typeof tempDir>>;
  before(async () => {
    temp = await tempDir();
    engine = await startPodmanEngine();
  });
  after(async () => {
    await engine?.stop();
    await temp?.remove();
  });
  const choose = (choice: 'auto' | 'docker') =>
    chooseEngine(choice, { data: temp.path, dockerHost: `unix://${engine.socketPath}` });

  it('refuses it if a container engine is asked for: it has no BuildKit', async () => {
    const { text } = await expectCode(choose('docker'), 'OFC_CONFIG');
    expect(text)
      .to.match(/Podman.* has no BuildKit/)
      .and.contain('--engine process');
  });

  it('takes processes by itself, and says why', async () => {
    const { engine: chosen, reason } = await choose('auto');
    expect(chosen).to.equal(undefined);
    expect(reason).to.match(/Podman.* has no BuildKit/);
  });
});
