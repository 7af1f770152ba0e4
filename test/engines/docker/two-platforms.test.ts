import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { env } from 'node:process';
import { expect } from 'chai';
import { parseImageReference } from '#shared/registry/image-reference.ts';
import { createRegistryClient } from '#shared/registry/registry-client.ts';
import { makeShellBase, shellBase } from '../../helpers/base-images.ts';
import {
  type ContainerRegistry,
  startContainerRegistry,
} from '../../helpers/container-registry.ts';
import { deploymentsOn, stackFile } from '../../helpers/deployments.ts';
import { type DockerEngine, startDockerEngine } from '../../helpers/docker-engine.ts';
import { describeWith } from '../../helpers/needs-part.ts';
import { type PlatformProcess, startPlatformProcess } from '../../helpers/platform-process.ts';
import { tempDir } from '../../helpers/temp-dir.ts';

describeWith(
  ['new-docker', 'docker-registry', 'busybox'],
  'push to live on a newer Docker Engine',
  function () {
    this.timeout(400_000);
    let folder: Awaited<ReturnType<typeof tempDir>>;
    let engine: DockerEngine;
    let registry: ContainerRegistry;
    let platform: PlatformProcess;
    const on = deploymentsOn(() => platform, 240_000);

    before(async () => {
      folder = await tempDir();
      [engine, registry] = await Promise.all([
        startDockerEngine({
          programs: env['OFC_NEW_DOCKER'],
          features: ['containerd-snapshotter'],
        }),
        startContainerRegistry(),
      ]);
      await makeShellBase(engine.docker);
      const config = join(folder.path, 'config.json');
      await writeFile(config, registry.dockerConfig);
      platform = await startPlatformProcess(
        join(folder.path, 'data'),
        [
          ...['--port', '0', '--engine', 'docker', '--platforms', 'linux/amd64,linux/arm64'],
          ...['--registry', `${registry.address}/users`, '--docker-config', config],
        ],
        { DOCKER_HOST: `unix://${engine.socketPath}` },
      );
    });
    after(async () => {
      await platform?.stop();
      await registry?.stop();
      await engine?.stop();
      await folder?.remove();
    });

    it('builds a function for two platforms and runs the one for this machine', async () => {
      const repo = await on.repo('alice', 'wide');
      const sha = await on.push(repo, {
        'stack.yml': stackFile('wide').replace(/lang: \S+/, 'lang: dockerfile'),
        // The stand-in for a base is there for one platform only.
        'wide/Dockerfile': `FROM --platform=linux/amd64 ${shellBase}\nUSER 12000\nENV fprocess="tr a-z A-Z"\n`,
      });
      const checks = await on.completed('alice', 'wide', sha);
      expect(checks.get('wide')?.conclusion, JSON.stringify([...checks])).to.equal('success');
      const url = `http://127.0.0.1:${platform.port}/function/alice-wide`;
      expect(await (await fetch(url, { method: 'POST', body: 'hello' })).text()).to.equal('HELLO');

      const [running] = await engine.docker.listContainers();
      const { username, password } = registry;
      const client = createRegistryClient({ credentials: () => ({ username, password }) });
      const index = await client.pullManifest(parseImageReference(running?.Image ?? ''));
      const { manifests } = JSON.parse(String(index?.body)) as {
        manifests: { platform: { architecture: string } }[];
      };
      expect(manifests.map(({ platform: { architecture } }) => architecture)).to.have.members([
        'amd64',
        'arm64',
      ]);
      await repo.remove();
    });
  },
);
