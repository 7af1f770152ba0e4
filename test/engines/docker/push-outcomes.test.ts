import { createHmac } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import sodium from 'libsodium-wrappers';
import { parseOwner, parseRepoName } from '#shared/names.ts';
import { parseImageReference } from '#shared/registry/image-reference.ts';
import { createRegistryClient } from '#shared/registry/registry-client.ts';
import { parsePublicKey } from '#shared/sealed-box.ts';
import { takesDeliveriesOnce } from '../../e2e/cases/duplicate-deliveries.ts';
import { refusesHostileRepos } from '../../e2e/cases/hostile-repos.ts';
import { makeNodeBase, makeShellBase, shellBase } from '../../helpers/base-images.ts';
import {
  type ContainerRegistry,
  startContainerRegistry,
} from '../../helpers/container-registry.ts';
import { answering, deploymentsOn, stackFile } from '../../helpers/deployments.ts';
import { type DockerEngine, startDockerEngine } from '../../helpers/docker-engine.ts';
import { eventually } from '../../helpers/eventually.ts';
import { type GitHttpServer, serveGit } from '../../helpers/git-http-server.ts';
import { type GitRepo, gitRepo } from '../../helpers/git-repo.ts';
import { send } from '../../helpers/http-client.ts';
import { httpGet } from '../../helpers/http-get.ts';
import { describeWith } from '../../helpers/needs-part.ts';
import {
  type PlatformProcess,
  secretOf,
  startPlatformProcess,
} from '../../helpers/platform-process.ts';
import { storeOf } from '../../helpers/platform-store.ts';
import { runs } from '../../helpers/running-process.ts';
import { sealWithSodium } from '../../helpers/seal-with-sodium.ts';
import { tempDir } from '../../helpers/temp-dir.ts';
import { npmRegistry } from '../../local/builder/npm-registry.ts';
import { tarOf } from '../../shared/tar/tar-of.ts';

const timeoutMs = 240_000;

describeWith(
  ['docker', 'docker-registry', 'busybox'],
  'what pushes meet on Docker’s BuildKit',
  function () {
    this.timeout(400_000);
    let folder: Awaited<ReturnType<typeof tempDir>>;
    let engine: DockerEngine;
    let registry: ContainerRegistry;
    let templates: GitHttpServer;
    let templateRepo: GitRepo;
    let platform: PlatformProcess;
    const on = deploymentsOn(() => platform, timeoutMs);

    before(async () => {
      await sodium.ready;
      folder = await tempDir();
      [engine, registry, templateRepo] = await Promise.all([
        startDockerEngine(),
        startContainerRegistry(),
        gitRepo('unused'),
      ]);
      templates = await serveGit(templateRepo.folder);
      await templateRepo.commit({
        'template/shell/template.yml': 'language: shell\nhandler_folder: function\n',
        'template/shell/Dockerfile': `FROM ${shellBase}\nCOPY function /function\nUSER 12000\nENV fprocess="sh /function/handler.sh"\n`,
      });
      await makeNodeBase(engine.docker);
      await makeShellBase(engine.docker);
      const config = join(folder.path, 'config.json');
      await writeFile(config, registry.dockerConfig);
      platform = await startPlatformProcess(
        join(folder.path, 'data'),
        [
          ...['--port', '0', '--engine', 'docker', '--templates', templates.url],
          ...['--registry', `${registry.address}/users`, '--docker-config', config],
        ],
        { DOCKER_HOST: `unix://${engine.socketPath}` },
      );
    });
    after(async () => {
      await platform?.stop();
      await templates?.close();
      await templateRepo?.remove();
      await registry?.stop();
      await engine?.stop();
      await folder?.remove();
    });

    const dockerfile = (...steps: string[]) =>
      `FROM ${shellBase}\n${steps.join('\n')}\nUSER 12000\n`;
    const stackOf = (name: string, more = '') =>
      stackFile(name).replace(/ {4}lang: \S+\n/, `    lang: dockerfile\n${more}`);
    const post = async (service: string, body = '') => {
      const url = `http://127.0.0.1:${platform.port}/function/${service}`;
      return (await fetch(url, { method: 'POST', body })).text();
    };
    /** What is recorded of one commit. */
    const recorded = async (owner: string, repo: string, sha: string) => {
      const { records } = await storeOf(platform);
      const refs = await records.deploymentsOf(parseOwner(owner), parseRepoName(repo));
      const loaded = await Promise.all(refs.map((ref) => records.load(ref)));
      return loaded.find((found) => found?.deployment.sha === sha);
    };
    const logOf = async (owner: string, repo: string, sha: string) => {
      const { store } = await storeOf(platform);
      const keys = await store.list(`logs/${owner}/${repo}/${sha}/`);
      const texts = await Promise.all(keys.map((key) => store.get(key)));
      return texts.map(String).join('\n');
    };

    refusesHostileRepos(() => platform, timeoutMs);
    takesDeliveriesOnce(() => platform, timeoutMs);

    it('builds a template of the operator’s repo, in another language', async () => {
      const repo = await on.repo('bob', 'scripts');
      const sha = await on.push(repo, {
        'stack.yml': stackFile('twice').replace('node-ts', 'shell'),
        'twice/handler.sh': 'text=$(cat); echo "$text $text"\n',
      });
      const checks = await on.completed('bob', 'scripts', sha);
      expect(checks.get('twice')?.conclusion, JSON.stringify([...checks])).to.equal('success');
      expect((await post('bob-twice', 'well')).trim()).to.equal('well well');
      await repo.remove();
    });

    it('lets nobody call a protected function who is not signed in', async () => {
      const repo = await on.repo('alice', 'protected');
      const annotation = '    annotations: { com.openfaas.cloud.auth: owner }\n';
      const sha = await on.push(repo, {
        'stack.yml': stackFile('inner').replace(/( {4}lang: \S+\n)/, `$1${annotation}`),
        'inner/handler.ts': answering('for alice only'),
      });
      const checks = await on.completed('alice', 'protected', sha);
      expect(checks.get('inner')?.conclusion, JSON.stringify([...checks])).to.equal('success');
      const page = await on.call('alice', '/inner', { accept: 'text/html' });
      expect(page.status).to.equal(302);
      expect(String(page.headers['location'])).to.match(
        /^http:\/\/alice\.localhost:\d+\/\.well-known\//,
      );
      const program = await on.call('alice', '/inner', { accept: 'application/json' });
      expect(program.status).to.equal(401);
      expect(page.text + program.text).to.not.contain('for alice only');
      await repo.remove();
    });

    /** The steps of a build log that came from the cache. */
    const stepsCached = (log: string): string[] => {
      const names = new Map<string, string>();
      const found: string[] = [];
      for (const [, step = '', text = ''] of log.matchAll(/^#(\d+) (.*)$/gm)) {
        if (text === 'CACHED') found.push(names.get(step) ?? '');
        else if (!names.has(step)) names.set(step, text.replace(/^\[[^\]]*\] /, ''));
      }
      return found;
    };

    it('uses the cache: a step of seconds takes none the next time', async () => {
      const files = (last: string) => ({
        'stack.yml': stackOf('steps'),
        'steps/Dockerfile': dockerfile('RUN sleep 4', 'COPY last /', 'ENV fprocess="cat /last"'),
        'steps/last': last,
      });
      const repo = await on.repo('carol', 'cached');
      const built = async (last: string) => {
        const sha = await on.push(repo, files(last));
        await on.completed('carol', 'cached', sha);
        expect((await post('carol-steps')).trim()).to.equal(last);
        const build = (await recorded('carol', 'cached', sha))?.builds.values().next().value;
        if (build?.outcome !== 'built') throw new Error(JSON.stringify(build));
        return { seconds: build.seconds, log: await logOf('carol', 'cached', sha) };
      };
      const [cold, warm] = [await built('first'), await built('second')];
      console.log(`      a build: ${cold.seconds} s, with the cache ${warm.seconds} s`);
      expect(stepsCached(cold.log)).to.not.include('RUN sleep 4');
      expect(stepsCached(warm.log)).to.include('RUN sleep 4');
      expect(cold.seconds - warm.seconds).to.be.above(2);
      await repo.remove();
    });

    it('gives a build secret to the step that mounts it, and to nobody else', async () => {
      const headers = { host: `system.localhost:${platform.port}` };
      const url = `http://127.0.0.1:${platform.port}/publickey?owner=bob`;
      const key = parsePublicKey((await httpGet(url, headers)).text);
      const value = 's3cr3t-of-a-build';
      const repo = await on.repo('bob', 'sealed');
      const sha = await on.push(repo, {
        'stack.yml': stackOf('size', '    build_secrets: { token: .token }\n'),
        'size/Dockerfile': dockerfile(
          'RUN --mount=type=secret,id=token cat /run/secrets/token && wc -c < /run/secrets/token > /size',
          'RUN test ! -s /run/secrets/token && echo gone-$((40+2))',
          'ENV fprocess="cat /size"',
        ),
        'com.openfaas.secrets': sealWithSodium(key, { token: Buffer.from(value) }),
      });
      const checks = await on.completed('bob', 'sealed', sha);
      expect(checks.get('size')?.conclusion, JSON.stringify([...checks])).to.equal('success');
      expect((await post('bob-size')).trim()).to.equal(String(value.length));
      const log = await logOf('bob', 'sealed', sha);
      expect(log).to.contain('•••').and.contain('gone-42');
      const printed = await readFile(join(platform.data, 'platform.log'), 'utf8');
      expect(log + printed + platform.output() + JSON.stringify([...checks])).to.not.contain(value);
      await repo.remove();
    });

    it('installs a private package with the build secret npmrc', async () => {
      // Where containers reach this machine; nobody else does.
      const npm = await npmRegistry(
        {
          private: {
            'package.json': '{"name":"private","version":"1.0.0","main":"index.js"}',
            'index.js': "module.exports = 'from a private package';",
          },
        },
        engine.gateway,
      );
      npm.token = 'npm_t0ken-of-alice';
      try {
        const headers = { host: `system.localhost:${platform.port}` };
        const url = `http://127.0.0.1:${platform.port}/publickey?owner=alice`;
        const key = parsePublicKey((await httpGet(url, headers)).text);
        const npmrc = `registry=${npm.url}\n//${new URL(npm.url).host}/:_authToken=${npm.token}\n`;
        const repo = await on.repo('alice', 'private');
        const secrets =
          '    build_secrets: { npmrc: .npmrc }\n    build_args: { TYPECHECK: "false" }\n';
        const sha = await on.push(repo, {
          'stack.yml': stackFile('private').replace(/( {4}lang: \S+\n)/, `$1${secrets}`),
          'private/handler.ts': "import text from 'private';\nexport default async () => text;\n",
          'private/package.json': '{"dependencies":{"private":"1.0.0"}}',
          'com.openfaas.secrets': sealWithSodium(key, { npmrc: Buffer.from(npmrc) }),
        });
        const checks = await on.completed('alice', 'private', sha);
        const check = checks.get('private');
        expect(check?.conclusion, JSON.stringify([...checks])).to.equal('success');
        expect(npm.downloads()).to.be.above(0);
        expect((await on.call('alice', '/private')).text).to.equal('from a private package');
        expect(await logOf('alice', 'private', sha)).to.not.contain(npm.token);
        await repo.remove();
      } finally {
        await npm.close();
      }
    });

    it('builds what faas-cli sends to a host of its own', async () => {
      const image = `${registry.address}/users/tools/own:1`;
      const config = { image, buildArgs: { ADDITIONAL_PACKAGE: '' }, platforms: ['linux/amd64'] };
      const body = await tarOf([
        { name: 'context', type: 'directory' },
        { name: 'context/Dockerfile', content: dockerfile('RUN echo made by hand') },
        { name: 'com.openfaas.docker.config', content: JSON.stringify(config) },
      ]);
      const secret = await secretOf(platform, 'payload-secret');
      const mac = createHmac('sha256', secret).update(body).digest('hex');
      const publish = (signature: string) =>
        send(platform.port, '/build', {
          method: 'POST',
          headers: {
            host: `builder.system.localhost:${platform.port}`,
            'content-type': 'application/octet-stream',
            'content-length': body.length,
            accept: 'application/x-ndjson',
            'x-build-signature': `sha256=${signature}`,
          },
          body,
        });
      expect((await publish('0'.repeat(64))).status).to.equal(401);
      const answer = await publish(mac);
      expect(answer.status, answer.body).to.equal(200);
      const lines = answer.body.trimEnd().split('\n');
      const last = JSON.parse(lines.at(-1) ?? '');
      expect(last).to.include({ status: 'success', image });
      expect(answer.body).to.contain('made by hand');
      const { username, password } = registry;
      const client = createRegistryClient({ credentials: () => ({ username, password }) });
      expect(await client.manifestDigest(parseImageReference(image))).to.equal(last.digest);
    });

    it('ends a build whose push is superseded, within a second of that', async () => {
      const repo = await on.repo('bob', 'hasty');
      const older = await on.push(repo, {
        'stack.yml': stackOf('hasty'),
        'hasty/Dockerfile': dockerfile('RUN sleep 27182', 'ENV fprocess="echo older"'),
      });
      await eventually(() => expect(runs('sleep\0' + '27182')).to.equal(true), { timeoutMs });
      const newer = await on.push(repo, {
        'hasty/Dockerfile': dockerfile('ENV fprocess="echo newer"'),
      });
      await eventually(() => expect(runs('sleep\0' + '27182')).to.equal(false), {
        timeoutMs,
        everyMs: 20,
      });
      const ended = Date.now();
      await on.completed('bob', 'hasty', newer);
      const closed = (await recorded('bob', 'hasty', older))?.closed;
      expect(closed?.state).to.equal('superseded');
      const ms = ended - (closed?.at ?? 0);
      console.log(`      superseded: the step ended ${ms} ms later`);
      expect(ms).to.be.below(1000);
      expect((await post('bob-hasty')).trim()).to.equal('newer');
      await repo.remove();
    });

    it('ends a build that takes too long, and says so', async () => {
      const login = `admin:${await secretOf(platform, 'basic-auth-password')}`;
      const authorization = `Basic ${Buffer.from(login).toString('base64')}`;
      const system = `http://127.0.0.1:${platform.port}/system`;
      const answer = await fetch(`${system}/function/of-builder`, { headers: { authorization } });
      const { name, envVars, ...spec } = (await answer.json()) as {
        name: string;
        envVars: Record<string, string>;
      };
      // As an operator changes it.
      const change = async (changes: Record<string, string>) => {
        const body = JSON.stringify({
          ...spec,
          service: name,
          envVars: { ...envVars, ...changes },
        });
        const put = { method: 'PUT', headers: { authorization }, body };
        expect((await fetch(`${system}/functions`, put)).ok).to.equal(true);
      };
      await change({ build_timeout: '10s' });
      try {
        const repo = await on.repo('carol', 'slow');
        const sha = await on.push(repo, {
          'stack.yml': stackOf('slow'),
          'slow/Dockerfile': dockerfile('RUN sleep 31415'),
        });
        const check = (await on.completed('carol', 'slow', sha)).get('slow');
        expect(check?.conclusion).to.equal('failure');
        expect(JSON.stringify(check?.output)).to.contain('took longer than 10 s');
        await eventually(() => expect(runs('sleep\0' + '31415')).to.equal(false));
        await repo.remove();
      } finally {
        await change({});
      }
    });
  },
);
