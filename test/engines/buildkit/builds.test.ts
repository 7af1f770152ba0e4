import { expect } from 'chai';
import type { BuildRequest } from '#shared/builder/builder.ts';
import { parseDockerConfig } from '#shared/buildkit/docker-config.ts';
import { parseImageReference, withDigest } from '#shared/registry/image-reference.ts';
import { createRegistryClient } from '#shared/registry/registry-client.ts';
import { makeShellBase, shellBase } from '../../helpers/base-images.ts';
import {
  type ContainerRegistry,
  startContainerRegistry,
} from '../../helpers/container-registry.ts';
import { type DockerEngine, startDockerEngine } from '../../helpers/docker-engine.ts';
import { eventually } from '../../helpers/eventually.ts';
import { expectCode } from '../../helpers/expect-code.ts';
import { describeWith } from '../../helpers/needs-part.ts';
import { runs } from '../../helpers/running-process.ts';
import { builderAt, contextOf } from '../../shared/buildkit/stage.ts';

describeWith(
  ['docker', 'docker-registry', 'busybox'],
  'builds by Docker Engine’s BuildKit',
  function () {
    this.timeout(120_000);
    let engine: DockerEngine;
    let registry: ContainerRegistry;
    let builder: ReturnType<typeof builderAt>;

    before(async () => {
      [engine, registry] = await Promise.all([startDockerEngine(), startContainerRegistry()]);
      await makeShellBase(engine.docker);
    });
    after(async () => {
      await engine?.stop();
      await registry?.stop();
    });
    beforeEach(() => {
      builder = builderAt([`docker://${engine.socketPath}`], {
        logins: parseDockerConfig(registry.dockerConfig),
        policy: { cache: 'none', provenance: 'min', sbom: 'none', platforms: [] },
        waitMs: 60_000,
      });
    });
    afterEach(() => builder.close());

    const nameOf = (name: string) => `${registry.address}/alice/hello-${name}:latest-main-1234567`;
    const build = async (
      name: string,
      steps: string,
      changes: Partial<BuildRequest> = {},
      files: Readonly<Record<string, string>> = {},
    ) =>
      builder.build({
        image: nameOf(name),
        context: await contextOf({ Dockerfile: `FROM ${shellBase}\n${steps}\n`, ...files }),
        ...changes,
      });
    const text = () => builder.log.join('\n');
    const client = () => {
      const { username, password } = registry;
      return createRegistryClient({ credentials: () => ({ username, password }) });
    };

    it('pushes to a registry that wants a password, with labels, and gives the digest', async () => {
      const labels = { 'org.opencontainers.image.revision': 'a'.repeat(40) };
      const built = await build(
        'push',
        'COPY . /all\nRUN cd /all && find . | sort',
        { labels },
        {
          'function/handler.sh': 'echo hi\n',
        },
      );
      const reference = parseImageReference(nameOf('push'));
      expect(built.digest).to.equal(await client().manifestDigest(reference));
      const { auth } = JSON.parse(registry.dockerConfig).auths[registry.address];
      const [username, password] = Buffer.from(auth, 'base64').toString().split(':');
      const byDigest = withDigest(reference, built.digest ?? '');
      const name = `${byDigest.host}/${byDigest.repository}@${byDigest.digest}`;
      const pull = await engine.docker.pull(name, {
        authconfig: { username, password, serveraddress: registry.address },
      });
      await new Promise((resolve) => engine.docker.modem.followProgress(pull, resolve));
      const { Config } = await engine.docker.getImage(name).inspect();
      expect(Config.Labels).to.deep.equal(labels);
      expect(text()).to.match(/#\d+ \.\/function\/handler\.sh/);
      expect(text()).to.not.contain('context/');
      expect(text()).to.not.contain('com.openfaas');
      expect(text()).to.contain('without provenance');
    });

    it('says that the registry refused the credentials', async () => {
      const wrong = builderAt([`docker://${engine.socketPath}`], {
        logins: new Map([[registry.address, { username: 'builder', secret: 'wrong-password' }]]),
      });
      const context = await contextOf({ Dockerfile: `FROM ${shellBase}\n` });
      const error = await expectCode(
        wrong.build({ image: nameOf('refused'), context }),
        'OFC_CONFIG',
      );
      expect(error.text).to.contain(registry.address).and.contain('docker-config');
      expect(error.text + wrong.log.join()).to.not.contain('wrong-password');
      await wrong.close();
    });

    it('fails where a RUN does, with its output before its exit code', async () => {
      const error = await expectCode(
        build('fails', 'RUN echo reason-$((40+2)) && exit 7'),
        'OFC_BUILD_FAILED',
      );
      expect(error.message).to.contain('exit code: 7');
      expect(text()).to.match(/reason-42[\s\S]*ERROR/);
    });

    it('fails where the Dockerfile does not parse, or names a base that is not there', async () => {
      const error = await expectCode(build('syntax', 'FRM scratch'), 'OFC_BUILD_FAILED');
      expect(error.message).to.match(/unknown instruction/i);
      const context = await contextOf({ Dockerfile: `FROM ${registry.address}/no/base:1\n` });
      const missing = await expectCode(build('base', '', { context }), 'OFC_BUILD_FAILED');
      expect(missing.message).to.contain('no/base');
    });

    it('ends a RUN that takes too long', async () => {
      const signal = AbortSignal.timeout(3000);
      await expectCode(build('long', 'RUN sleep 31415', { signal }), 'OFC_TIMEOUT');
      await eventually(() => expect(runs('sleep\0' + '31415')).to.equal(false), {
        timeoutMs: 2000,
      });
    });

    it('ends a RUN within a second of being cancelled', async () => {
      const abort = new AbortController();
      const building = build('cancel', 'RUN sleep 27182', { signal: abort.signal });
      building.catch(() => undefined);
      await eventually(() => expect(runs('sleep\0' + '27182')).to.equal(true), {
        timeoutMs: 30_000,
      });
      const asked = Date.now();
      abort.abort();
      await expectCode(building, 'OFC_TIMEOUT');
      await eventually(() => expect(runs('sleep\0' + '27182')).to.equal(false), {
        timeoutMs: 1000,
      });
      expect(Date.now() - asked).to.be.below(1000);
    });

    it('mounts a build secret, which reaches neither the image nor the log', async () => {
      const secrets = new Map([['token', Buffer.from('s3cr3t-value-xyz')]]);
      const steps = [
        'RUN --mount=type=secret,id=token cat /run/secrets/token && wc -c < /run/secrets/token > /size',
        // The log repeats commands: only its output has the sum.
        'RUN cat /size && test ! -s /run/secrets/token && echo no-secret-left-$((40+2))',
      ];
      await build('secret', steps.join('\n'), { secrets });
      expect(text()).to.contain('•••').and.contain(' 16').and.contain('no-secret-left-42');
      expect(text()).to.not.contain('s3cr3t');
      const missing = await expectCode(
        build('no-secret', 'RUN --mount=type=secret,id=absent,required=true true'),
        'OFC_BUILD_FAILED',
      );
      expect(missing.message).to.contain('absent');
    });

    it('mounts build secrets where pip and Go look for theirs, for the one step that names them', async () => {
      const secrets = new Map([
        ['pipconf', Buffer.from('[global]\nindex-url = https://bot:pip-t0ken-1@pypi.example/\n')],
        ['netrc', Buffer.from('machine git.example login bot password go-t0ken-2\n')],
      ]);
      const [pip, go] = ['/etc/pip.conf', '/home/app/.netrc'];
      const mounts = `--mount=type=secret,id=pipconf,target=${pip} --mount=type=secret,id=netrc,target=${go}`;
      const steps = [
        `RUN ${mounts} cat ${pip} ${go} && cat ${pip} ${go} | wc -c > /size && stat -c %a ${go}`,
        `RUN echo "size=$(cat /size) left=$(cat ${pip} ${go} 2>/dev/null | wc -c)"`,
      ];
      await build('pip-and-go', steps.join('\n'), { secrets });
      const size = [...secrets.values()].reduce((sum, { length }) => sum + length, 0);
      // Neither stands in the commands that the log repeats.
      expect(text()).to.contain(`size=${size} left=0`).and.to.match(/ 400$/m);
      expect(text()).to.not.contain('t0ken');
    });

    it('uses its cache: a step that took seconds takes none', async () => {
      const timed = async (last: string) => {
        const started = performance.now();
        builder.log.length = 0;
        await build(
          'cache',
          `COPY slow /\nRUN sleep 3 && date +%N\nCOPY last /`,
          {},
          { slow: 'x', last },
        );
        return { ms: performance.now() - started, log: text() };
      };
      const cold = await timed('1');
      const warm = await timed('2');
      expect(cold.log).to.not.match(/RUN sleep 3[\s\S]{0,80}CACHED/);
      expect(warm.log).to.match(/#(\d+) \[\d\/\d\] RUN sleep 3.*\n(?:.*\n)*?#\1 CACHED/);
      expect(cold.ms - warm.ms).to.be.above(2000);
    });

    it('does not run the frontend that a Dockerfile names', async () => {
      const context = await contextOf({
        Dockerfile: `# syntax=${registry.address}/evil/frontend:1\nFROM ${shellBase}\n`,
      });
      const { digest } = await build('frontend', '', { context });
      expect(digest).to.match(/^sha256:/);
    });

    it('builds without a push', async () => {
      const built = await build('dry', 'RUN echo dry', { skipPush: true });
      expect(built.digest).to.equal(undefined);
      expect(await client().manifestDigest(parseImageReference(nameOf('dry')))).to.equal(undefined);
    });

    it('starts anew when the daemon went away in mid-build and came back', async () => {
      const building = build('restart', 'RUN sleep 8');
      building.catch(() => undefined);
      await eventually(() => expect(runs('sleep\0' + '8')).to.equal(true), { timeoutMs: 30_000 });
      await engine.halt();
      await eventually(() => expect(text()).to.contain('starts anew once it is back'));
      await engine.resume();
      const { digest } = await building;
      expect(digest).to.equal(
        await client().manifestDigest(parseImageReference(nameOf('restart'))),
      );
    });
  },
);
