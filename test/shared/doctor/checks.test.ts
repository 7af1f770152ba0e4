import { generateKeyPairSync } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { expect } from 'chai';
import { type Check, type Patient, runChecks } from '#shared/doctor/check.ts';
import { checkBuilder } from '#shared/doctor/check-builder.ts';
import { checkGateway } from '#shared/doctor/check-gateway.ts';
import { checkGithub } from '#shared/doctor/check-github.ts';
import { checkClocks, checkHosts } from '#shared/doctor/check-hosts.ts';
import { checkQueue, checkSweeps } from '#shared/doctor/check-queue.ts';
import { checkRegistry } from '#shared/doctor/check-registry.ts';
import { checkGitea, checkGitlab } from '#shared/doctor/check-scms.ts';
import { checkSecrets } from '#shared/doctor/check-secrets.ts';
import { checkStore } from '#shared/doctor/check-store.ts';
import { checks } from '#shared/doctor/checks.ts';
import { type FindingCode, findingKinds } from '#shared/doctor/finding.ts';
import { neededFunctions, neededSecrets } from '#shared/doctor/needs.ts';
import { createLogger } from '#shared/log.ts';
import { createS3ObjectStore } from '#shared/object-store/s3-object-store.ts';
import { createS3Server, type S3Server } from '../../../local/object-store/s3-server.ts';
import { listen, type TestServer } from '../../helpers/listen.ts';
import { tableRows } from '../../helpers/markdown-table.ts';
import { platformStack, writePlatformSecrets } from '../../helpers/platform-environment.ts';
import { readSource } from '../../helpers/source-files.ts';
import { tempDir } from '../../helpers/temp-dir.ts';

type Routes = Record<string, (request: IncomingMessage, response: ServerResponse) => void>;

describe('checks of the doctor', () => {
  let temp: Awaited<ReturnType<typeof tempDir>>;
  let secrets: string;
  let store: S3Server;
  const servers: TestServer[] = [];

  const serve = async (routes: Routes): Promise<string> => {
    const server = await listen((request, response) => {
      const route = routes[`${request.method} ${request.url?.split('?')[0]}`] ?? routes['*'];
      if (route === undefined) response.writeHead(404).end();
      else route(request, response);
    });
    servers.push(server);
    return server.url;
  };
  const json =
    (value: unknown, status = 200) =>
    (_: IncomingMessage, response: ServerResponse) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
  const nobody = 'http://127.0.0.1:1';

  const patient = (env: Record<string, string> = {}): Patient => ({
    env: {
      secret_mount_path: secrets,
      gateway_pretty_url: 'http://user.apps.localhost/function',
      s3_url: store.url,
      client_id: 'id',
      ...env,
    },
    allSecrets: true,
    signal: AbortSignal.timeout(30_000),
  });
  /** The codes that a check reports, and the text of them all. */
  const examine = async (check: Check, env: Record<string, string> = {}) => {
    const findings = await runChecks([check], patient(env), 10_000);
    const text = findings.map(({ what }) => what).join('\n');
    return { codes: findings.map(({ code }) => code), text };
  };
  const expectCodes = async (
    check: Check,
    env: Record<string, string>,
    ...codes: FindingCode[]
  ) => {
    const found = await examine(check, env);
    expect(found.codes, found.text).to.deep.equal(codes);
    return found.text;
  };

  beforeEach(async () => {
    temp = await tempDir();
    secrets = join(temp.path, 'secrets');
    await mkdir(secrets);
    await writePlatformSecrets(secrets);
    for (const name of ['payload-secret', 'github-webhook-secret', 's3-secret-key']) {
      await writeFile(join(secrets, name), 'a-long-enough-secret');
    }
    store = await createS3Server({
      folder: join(temp.path, 'objects'),
      region: 'us-east-1',
      accessKey: 'access',
      secretKey: 'a-long-enough-secret',
      log: createLogger({}, () => undefined),
    });
  });
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.close()));
    await store.close();
    await temp.remove();
  });
  const write = (name: string, value: string) => writeFile(join(secrets, name), value);

  it('cover what docs/doctor.md says, code by code', () => {
    const documented = tableRows(readSource('docs/doctor.md'), 'code');
    const inCode = Object.entries(findingKinds)
      .filter(([, { level }]) => level !== 'ok')
      .map(([code, { level, why, fix }]) => [code, level, why, fix]);
    expect(documented).to.deep.equal(inCode);
    const names = tableRows(readSource('docs/doctor.md'), 'check').map(([name]) => name);
    expect([...names].sort()).to.deep.equal(checks.map(({ name }) => name).sort());
  });

  it('know which functions and secrets are needed', () => {
    const readme = tableRows(readSource('README.md'), 'function');
    const needed = readme.filter((cells) => !cells[3]?.startsWith('yes')).map(([name]) => name);
    expect([...neededFunctions].sort()).to.deep.equal([...needed].sort());
    const listed = platformStack()
      .functions.filter(({ key }) => neededFunctions.includes(key))
      .flatMap((fn) => fn.secrets);
    expect(neededSecrets(patient()).sort()).to.deep.equal([...new Set(listed)].sort());
    expect(
      neededSecrets(patient({ basic_auth: 'false', validate_customers: 'false', client_id: '' })),
    ).to.not.include.members(['basic-auth-user', 'customers', 'of-client-secret']);
  });

  describe('secrets', () => {
    it('are content with what the generator makes', () => expectCodes(checkSecrets, {}, 'ok'));

    it('find what is missing, malformed, weak, or does not fit', async () => {
      await rm(join(secrets, 'private-key'));
      await write('customers', '# nobody\n');
      await write('payload-secret', 'short');
      const other = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
      await write(
        'jwt-public-key',
        String(other.publicKey.export({ type: 'spki', format: 'pem' })),
      );
      await write('docker-config', 'no JSON');
      await write('buildkit-client-cert', 'x');
      const { codes, text } = await examine(checkSecrets);
      expect([...codes].sort()).to.deep.equal([
        'secret-missing',
        'secret-pair',
        'secret-shape',
        'secret-shape',
        'secret-shape',
        'secret-weak',
      ]);
      for (const name of [
        'private-key',
        'customers',
        'payload-secret',
        'jwt-public-key',
        'docker-config',
        'buildkit-client-cert',
      ])
        expect(text).to.include(name);
      expect(text).to.not.include('short');
    });

    it('refuse a private key where a public one belongs, and another curve', async () => {
      const key = generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).privateKey;
      await write('jwt-private-key', String(key.export({ type: 'pkcs8', format: 'pem' })));
      await write('jwt-public-key', String(key.export({ type: 'pkcs8', format: 'pem' })));
      const { codes } = await examine(checkSecrets);
      expect(codes.filter((code) => code === 'secret-shape')).to.have.length(2);
    });

    it('do not ask a function for secrets that it does not have', async () => {
      await rm(secrets, { recursive: true });
      const [found] = await runChecks([checkSecrets], { ...patient(), allSecrets: false });
      expect(found?.code).to.equal('ok');
    });
  });

  describe('gateway', () => {
    const deployed = neededFunctions.map((name) => ({
      name,
      availableReplicas: 1,
      labels: { role: 'openfaas-system', 'com.openfaas.scale.zero': 'false' },
    }));
    const provider = { provider: { provider: 'faas-netes-ce' } };
    const routes = (): Routes => ({
      'GET /healthz': json({}),
      'GET /system/info': json(provider),
      'GET /system/functions': json(deployed),
      'GET /system/secrets': json(neededSecrets(patient()).map((name) => ({ name }))),
    });
    const gateway = async (changes: Routes = {}) => ({
      gateway_url: await serve({ ...routes(), ...changes }),
    });

    it('is well', async () => expectCodes(checkGateway, await gateway(), 'ok'));

    it('does not answer, refuses us, has no provider', async () => {
      expect(
        await expectCodes(checkGateway, { gateway_url: nobody }, 'gateway-unreachable'),
      ).to.include('ECONNREFUSED');
      const refusing = await gateway({ 'GET /system/info': json({}, 401) });
      const text = await expectCodes(checkGateway, refusing, 'gateway-credentials');
      expect(text).to.not.include('password1');
      await expectCodes(
        checkGateway,
        await gateway({ 'GET /system/info': json({ provider: null }) }),
        'gateway-provider',
      );
    });

    it('lacks functions, replicas, secrets, room', async () => {
      const some = deployed
        .filter(({ name }) => name !== 'git-tar')
        .map((fn) => (fn.name === 'of-auth' ? { ...fn, availableReplicas: 0 } : fn));
      const more = Array.from({ length: 9 }, (_, i) => ({
        name: `alice-${i}`,
        availableReplicas: 1,
      }));
      const changes = {
        'GET /system/functions': json([...some, ...more]),
        'GET /system/secrets': json([]),
      };
      const text = await expectCodes(
        checkGateway,
        await gateway(changes),
        'functions-missing',
        'functions-down',
        'functions-full',
        'gateway-secrets',
      );
      expect(text).to.include('git-tar').and.include('of-auth').and.include('jwt-private-key');
    });

    it('is not looked at with a wrong setting, which is said', async () => {
      expect(await expectCodes(checkGateway, { gateway_url: 'x' }, 'config-invalid')).to.include(
        'gateway_url',
      );
    });
  });

  describe('store', () => {
    it('is well, and nothing is left in it', async () => {
      await expectCodes(checkStore, {}, 'ok');
      const config = {
        endpoint: store.url,
        region: 'us-east-1',
        bucket: 'pipeline',
        accessKey: 'access',
        secretKey: 'a-long-enough-secret',
      };
      expect(await createS3ObjectStore(config).list('')).to.deep.equal([]);
    });

    it('is not there, refuses us', async () => {
      await expectCodes(checkStore, { s3_url: nobody }, 'store-unreachable');
      await write('s3-secret-key', 'wrong-but-long-enough');
      await expectCodes(checkStore, {}, 'store-credentials');
    });

    it('ignores conditions: every writer wins', async () => {
      const careless = await serve({
        '*': async (request, response) => {
          await buffer(request);
          const body = request.method === 'GET' ? '3' : '';
          response.writeHead(200, { etag: '"x"', 'content-length': body.length }).end(body);
        },
      });
      expect(await expectCodes(checkStore, { s3_url: careless }, 'store-conditional')).to.include(
        '8 were told',
      );
    });
  });

  it('sweeps: none ever, one long ago, one now', async () => {
    const config = {
      endpoint: store.url,
      region: 'us-east-1',
      bucket: 'pipeline',
      accessKey: 'access',
      secretKey: 'a-long-enough-secret',
    };
    const objects = createS3ObjectStore(config);
    expect(await expectCodes(checkSweeps, {}, 'sweep-silent')).to.include('No sweep');
    const minute = Math.floor(Date.now() / 60_000);
    await objects.put(`sweeps/${minute - 30}`, '');
    expect(await expectCodes(checkSweeps, {}, 'sweep-silent')).to.match(/3\d minutes ago/);
    await objects.put(`sweeps/${minute}`, '');
    await expectCodes(checkSweeps, {}, 'ok');
  });

  it('queue: not there, or nobody to answer', async () => {
    const list = { 'GET /system/functions': json([{ name: 'doctor' }]) };
    const off = await serve(list);
    await expectCodes(checkQueue, { gateway_url: off }, 'queue-off');
    const alone = await serve({ 'GET /system/functions': json([]) });
    await expectCodes(checkQueue, { gateway_url: alone }, 'not-checked');
  });

  it('queue: a message that does not arrive', async function () {
    this.timeout(30_000);
    const lost = await serve({
      'GET /system/functions': json([{ name: 'doctor' }]),
      'POST /async-function/doctor': json({}, 202),
    });
    const [found] = await runChecks([checkQueue], patient({ gateway_url: lost }), 25_000);
    expect(found?.code).to.equal('queue-lost');
  });

  it('builder: none set, healthy, ill, gone; BuildKit that hangs up', async () => {
    await expectCodes(checkBuilder, {}, 'config-invalid');
    await expectCodes(
      checkBuilder,
      { builder_url: await serve({ 'GET /healthz': json({}) }) },
      'ok',
    );
    await expectCodes(checkBuilder, { builder_url: await serve({}) }, 'builder-unreachable');
    await expectCodes(
      checkBuilder,
      { buildkit_url: 'tcp://127.0.0.1:1,tcp://127.0.0.1:2' },
      'builder-unreachable',
      'builder-unreachable',
    );
  });

  it('registry: takes a push, refuses, wants a password, is not there', async () => {
    const taking = async (status: number, asked: string[] = []) => {
      const url = await serve({
        '*': (request, response) => {
          asked.push(`${request.method} ${request.headers.authorization ?? ''}`.trim());
          const known = request.headers.authorization !== undefined || status !== 401;
          const answer =
            request.method === 'DELETE' ? 204 : known ? (status === 401 ? 202 : status) : 401;
          response
            .writeHead(answer, {
              location: '/v2/x/blobs/uploads/1',
              'www-authenticate': 'Basic realm="x"',
            })
            .end();
        },
      });
      return { push_repository_url: `${new URL(url).host}/acme/` };
    };
    const asked: string[] = [];
    await expectCodes(checkRegistry, await taking(202, asked), 'ok');
    expect(asked).to.deep.equal(['POST', 'DELETE']);
    await expectCodes(checkRegistry, await taking(403), 'registry-credentials');
    const closed = await taking(401);
    expect(await expectCodes(checkRegistry, closed, 'not-checked')).to.include('wants a password');
    const auth = Buffer.from('me:secret').toString('base64');
    await write(
      'docker-config',
      JSON.stringify({ auths: { [closed.push_repository_url.split('/')[0] ?? '']: { auth } } }),
    );
    await expectCodes(checkRegistry, closed, 'ok');
    await expectCodes(
      checkRegistry,
      { push_repository_url: '127.0.0.1:1/acme/' },
      'registry-unreachable',
    );
  });

  it('github: well, another key, too few rights, another webhook', async () => {
    const app = { id: 7, permissions: { contents: 'read', checks: 'write' }, events: ['push'] };
    const hook = { url: 'http://system.apps.localhost/github-event', content_type: 'json' };
    const github = async (changes: Routes = {}) => ({
      github_app_id: '7',
      github_api_url: await serve({
        'GET /app': json(app),
        'GET /app/hook/config': json(hook),
        ...changes,
      }),
    });
    await expectCodes(checkGithub, await github(), 'ok');
    await expectCodes(checkGithub, await github({ 'GET /app': json({}, 401) }), 'github-app');
    const lacking = { 'GET /app': json({ id: 7, permissions: {}, events: [] }) };
    const text = await expectCodes(checkGithub, await github(lacking), 'github-permissions');
    expect(text).to.include('Contents: read, Checks: write, the event Push');
    const elsewhere = {
      'GET /app/hook/config': json({ ...hook, url: 'https://elsewhere.example/' }),
    };
    await expectCodes(checkGithub, await github(elsewhere), 'github-webhook');
    await expectCodes(
      checkGithub,
      { github_app_id: '7', github_api_url: nobody },
      'github-unreachable',
    );
    await expectCodes(checkGithub, {}, 'not-checked');
    await write('private-key', 'x');
    await expectCodes(checkGithub, await github(), 'github-app');
  });

  it('gitlab: well, another token, too few rights, soon over, several servers, none', async () => {
    const self = 'GET /api/v4/personal_access_tokens/self';
    const asked: unknown[] = [];
    const gitlab = (token: object, status = 200) =>
      serve({
        [self]: (request, response) => {
          asked.push(request.headers['private-token']);
          json(token, status)(request, response);
        },
      });
    const days = (count: number) => new Date(Date.now() + count * 86_400_000).toISOString();
    const good = { scopes: ['api', 'read_user'], expires_at: null };
    await expectCodes(checkGitlab, { gitlab_instance: await gitlab(good) }, 'ok');
    expect(asked).to.deep.equal(['glpat']);
    for (const [answer, status, code] of [
      [{ ...good, expires_at: days(15) }, 200, 'ok'],
      [{ ...good, expires_at: days(13) }, 200, 'scm-token-ends'],
      [{ ...good, scopes: ['read_api'] }, 200, 'scm-scope'],
      [{}, 401, 'scm-token'],
      [{}, 404, 'not-checked'],
      [{}, 502, 'scm-unreachable'],
    ] as const) {
      const text = await expectCodes(
        checkGitlab,
        { gitlab_instance: await gitlab(answer, status) },
        code,
      );
      expect(text).to.not.contain('glpat');
    }
    await expectCodes(checkGitlab, { gitlab_instance: nobody }, 'scm-unreachable');
    await write('gitlab-api-token-work', 'second');
    const two = { scms: 'gitlab,gitlab-work', gitlab_instance: await gitlab(good) };
    const text = await expectCodes(
      checkGitlab,
      { ...two, gitlab_instance_work: await gitlab({}, 401) },
      'scm-token',
    );
    expect(text).to.contain('gitlab-work');
    await expectCodes(checkGitlab, { scms: 'github' }, 'not-checked');
  });

  it('gitea: well, another token, too few rights, none', async () => {
    const gitea = async (status: number) => ({
      gitea_url: await serve({ 'GET /api/v1/repos/search': json({ ok: true, data: [] }, status) }),
    });
    await expectCodes(checkGitea, await gitea(200), 'ok');
    await expectCodes(checkGitea, await gitea(401), 'scm-token');
    await expectCodes(checkGitea, await gitea(403), 'scm-scope');
    await expectCodes(checkGitea, { gitea_url: nobody }, 'scm-unreachable');
    await rm(join(secrets, 'gitea-api-token'));
    await expectCodes(checkGitea, await gitea(200), 'not-checked');
  });

  it('hosts: of-router’s answers, the gateway’s own, none', async () => {
    const edge = async (routes: Routes) => ({
      gateway_pretty_url: `http://user.apps.localhost:${new URL(await serve(routes)).port}/function`,
    });
    await expectCodes(checkHosts, await edge({ 'GET /': json({}) }), 'ok');
    const open = {
      'GET /': json({}),
      'GET /system/functions': json({}, 401),
      'GET /function/echo': json({}),
    };
    await expectCodes(checkHosts, await edge(open), 'hosts-exposed', 'hosts-exposed');
    await expectCodes(checkHosts, await edge({}), 'hosts-edge');
    await expectCodes(
      checkHosts,
      { gateway_pretty_url: 'http://user.apps.localhost:1/function' },
      'hosts-edge',
    );
    await expectCodes(
      checkHosts,
      { gateway_pretty_url: 'https://user.none.invalid/function' },
      'hosts-unresolved',
    );
  });

  it('clocks: ours, and one that is ahead', async () => {
    const at = (ms: number) =>
      serve({
        '*': (_, response) =>
          response.writeHead(200, { date: new Date(Date.now() + ms).toUTCString() }).end(),
      });
    const right = await at(0);
    await expectCodes(checkClocks, { gateway_url: right, github_api_url: right }, 'ok');
    const text = await expectCodes(
      checkClocks,
      { gateway_url: await at(3_600_000), github_api_url: right },
      'clock-off',
    );
    expect(text).to.match(/gateway is 3[56]\d\d s ahead/);
  });

  it('end in time, whatever a check does', async () => {
    const slow: Check = { name: 'slow', run: () => new Promise(() => undefined) };
    const broken: Check = {
      name: 'broken',
      run: async () => {
        throw new Error('secret detail');
      },
    };
    const findings = await runChecks([slow, broken], patient(), 50);
    expect(findings.map(({ code }) => code)).to.deep.equal(['check-failed', 'check-failed']);
    expect(JSON.stringify(findings)).to.not.include('secret detail');
  });
});
