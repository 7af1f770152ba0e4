import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect } from 'chai';
import type Docker from 'dockerode';
import { makeNodeBase, makeShellBase, nodeBase, shellBase } from '../../helpers/base-images.ts';
import {
  type ContainerRegistry,
  startContainerRegistry,
} from '../../helpers/container-registry.ts';
import { type DockerEngine, startDockerEngine } from '../../helpers/docker-engine.ts';
import { progressEnds } from '../../helpers/engine-progress.ts';
import { describeWith } from '../../helpers/needs-part.ts';

/** What a command prints in a container. */
async function output(docker: Docker, image: string, command: string[]): Promise<string> {
  const stdout = new PassThrough();
  const printed = text(stdout);
  const [result, container] = await docker.run(image, command, stdout, {
    HostConfig: { NetworkMode: 'none' },
  });
  await container.remove();
  stdout.end();
  expect(result.StatusCode).to.equal(0);
  return printed;
}

describeWith(
  ['docker', 'docker-registry', 'busybox'],
  'engine, registry and base images',
  function () {
    this.timeout(180_000);
    let engine: DockerEngine;
    let registry: ContainerRegistry;

    before(async () => {
      engine = await startDockerEngine();
      registry = await startContainerRegistry();
    });
    after(async () => {
      await registry?.stop();
      await engine?.stop();
    });

    it('runs Node, npm and a shell in the base for Node', async () => {
      await makeNodeBase(engine.docker);
      expect(await output(engine.docker, nodeBase, ['node', '--version'])).to.contain(
        process.version,
      );
      expect(await output(engine.docker, nodeBase, ['npm', '--version'])).to.match(
        /^\d+\.\d+\.\d+/,
      );
    });

    it('keeps the images over a restart', async () => {
      await makeShellBase(engine.docker);
      await engine.halt();
      await engine.resume();
      expect(await output(engine.docker, shellBase, ['echo', 'here'])).to.contain('here');
    });

    it('has a registry that takes images for its password only', async () => {
      const { username, password, address } = registry;
      const name = `${address}/test/shell`;
      await engine.docker.getImage(shellBase).tag({ repo: name, tag: '1' });
      const push = async (secret: string) => {
        const authconfig = { username, password: secret, serveraddress: address };
        const progress = await engine.docker.getImage(`${name}:1`).push({ authconfig });
        return progressEnds(engine.docker, progress).then(() => 'pushed', String);
      };
      expect(await push('wrong')).to.match(/denied|unauthorized|no basic auth/);
      expect(await push(password)).to.equal('pushed');
    });
  },
);
