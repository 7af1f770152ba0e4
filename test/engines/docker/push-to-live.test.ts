import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { makeNodeBase, makeShellBase, shellBase } from '../../helpers/base-images.ts';
import {
  type ContainerRegistry,
  startContainerRegistry,
} from '../../helpers/container-registry.ts';
import { answering, deploymentsOn, stackFile } from '../../helpers/deployments.ts';
import { type DockerEngine, startDockerEngine } from '../../helpers/docker-engine.ts';
import { eventually } from '../../helpers/eventually.ts';
import { describeWith } from '../../helpers/needs-part.ts';
import { type PlatformProcess, startPlatformProcess } from '../../helpers/platform-process.ts';
import { tempDir } from '../../helpers/temp-dir.ts';

const parts = ['docker', 'docker-registry', 'busybox'] as const;

describeWith(parts, 'push to live on Docker, with a registry that wants a password', function () {
  this.timeout(300_000);
  let folder: Awaited<ReturnType<typeof tempDir>>;
  let engine: DockerEngine;
  let registry: ContainerRegistry;
  let platform: PlatformProcess;
  const on = deploymentsOn(() => platform, 240_000);
  const start = async (): Promise<PlatformProcess> => {
    const config = join(folder.path, 'config.json');
    await writeFile(config, registry.dockerConfig);
    const own = ['--registry', `${registry.address}/users`, '--docker-config', config];
    const args = ['--port', '0', '--engine', 'auto', ...own];
    return startPlatformProcess(join(folder.path, 'data'), args, {
      DOCKER_HOST: `unix://${engine.socketPath}`,
    });
  };
  const containersOf = async (service: string) => {
    const found = await engine.docker.listContainers();
    return found.filter(({ Labels }) => Labels['com.openfaas.cloud.function'] === service);
  };
  /** Pushes and gives the functions' conclusions. */
  const push = async (owner: string, name: string, files: Record<string, string>) => {
    const repo = await on.repo(owner, name);
    const sha = await on.push(repo, files);
    const checks = await on.completed(owner, name, sha);
    return { repo, checks };
  };

  before(async () => {
    folder = await tempDir();
    engine = await startDockerEngine();
    registry = await startContainerRegistry();
    await makeNodeBase(engine.docker);
    await makeShellBase(engine.docker);
    platform = await start();
  });
  after(async () => {
    await platform?.stop();
    await registry?.stop();
    await engine?.stop();
    await folder?.remove();
  });

  it('says which engine runs functions, and why', () => {
    expect(platform.output()).to.match(/Engine docker: .+ answers\./);
  });

  it('builds functions by BuildKit and runs them as containers', async () => {
    const { repo, checks } = await push('alice', 'two', {
      'stack.yml': stackFile('one', 'two'),
      'one/handler.ts': answering('I am one'),
      'two/handler.ts': answering('I am two'),
    });
    expect([...checks.values()].map(({ conclusion }) => conclusion)).to.deep.equal(
      Array(3).fill('success'),
    );
    expect((await on.call('alice', '/one')).text).to.equal('I am one');
    expect((await on.call('alice', '/two')).text).to.equal('I am two');
    const [container] = await containersOf('alice-one');
    expect(container?.Image).to.match(new RegExp(`^${registry.address}/users/.+@sha256:`));
    await repo.remove();
  });

  it('rolls an update over without a failed request', async () => {
    const files = { 'stack.yml': stackFile('rolling'), 'rolling/handler.ts': answering('old') };
    const { repo } = await push('alice', 'rolling', files);
    const seen: string[] = [];
    let stopped = false;
    const visitor = async (): Promise<void> => {
      while (!stopped) {
        const { status, text } = await on.call('alice', '/rolling');
        seen.push(status === 200 ? text : `${status} ${text}`);
      }
    };
    const visiting = visitor();
    const sha = await on.push(repo, { 'rolling/handler.ts': answering('new') });
    await on.completed('alice', 'rolling', sha);
    await eventually(() => expect(seen.at(-1)).to.equal('new'));
    stopped = true;
    await visiting;
    expect([...new Set(seen)]).to.deep.equal(['old', 'new']);
    await eventually(async () => expect(await containersOf('alice-rolling')).to.have.length(1), {
      timeoutMs: 20_000,
    });
    await repo.remove();
  });

  it('builds and runs a function that is not Node', async () => {
    const stack = stackFile('shout').replace(/lang: \S+/, 'lang: dockerfile');
    const { repo, checks } = await push('bob', 'shell', {
      'stack.yml': stack,
      'shout/Dockerfile': `FROM ${shellBase}\nUSER 12000\nENV fprocess="tr a-z A-Z"\n`,
    });
    expect(checks.get('shout')?.conclusion, JSON.stringify([...checks])).to.equal('success');
    const port = String(platform.port);
    const answer = await fetch(`http://127.0.0.1:${port}/function/bob-shout`, {
      method: 'POST',
      body: 'hello',
    });
    expect(await answer.text()).to.equal('HELLO');
    await repo.remove();
  });

  it('says why a build fails, with its log', async () => {
    const stack = stackFile('broken').replace(/lang: \S+/, 'lang: dockerfile');
    const { repo, checks } = await push('bob', 'broken', {
      'stack.yml': stack,
      'broken/Dockerfile': `FROM ${shellBase}\nRUN echo about to fail && false\n`,
    });
    const check = checks.get('broken');
    expect(check?.conclusion).to.equal('failure');
    expect(JSON.stringify(check)).to.contain('about to fail');
    await repo.remove();
  });

  it('removes the containers of functions that are no longer in stack.yml', async () => {
    const files = { 'stack.yml': stackFile('goes'), 'goes/handler.ts': answering('x') };
    const { repo } = await push('carol', 'shrinks', files);
    expect(await containersOf('carol-goes')).to.have.length(1);
    const sha = await on.push(repo, {
      'stack.yml': stackFile('stays'),
      'stays/handler.ts': answering('here'),
    });
    await on.completed('carol', 'shrinks', sha);
    await eventually(async () => expect(await containersOf('carol-goes')).to.be.empty, {
      timeoutMs: 20_000,
    });
    await repo.remove();
  });

  it('goes on when Docker was stopped in between', async () => {
    await engine.halt();
    await engine.resume();
    await eventually(
      async () => expect((await on.call('alice', '/one')).text).to.equal('I am one'),
      { timeoutMs: 30_000 },
    );
  });

  it('removes what a kill left, and brings its functions back', async () => {
    await platform.kill();
    expect(await containersOf('alice-one')).to.have.length(1);
    platform = await start();
    expect(platform.output()).to.contain('Engine docker: ');
    expect((await on.call('alice', '/one')).text).to.equal('I am one');
    expect(await containersOf('alice-one')).to.have.length(1);
    await platform.stop();
    expect(await engine.docker.listContainers({ all: true })).to.be.empty;
  });
});
