import { createHmac, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { expect } from 'chai';
import sodium from 'libsodium-wrappers';
import { cloudLabel } from '#shared/pipeline/labels.ts';
import type { Platform } from '../../local/platform/start-platform.ts';
import { answering, type CheckRun, deploymentsOn, stackFile } from '../helpers/deployments.ts';
import { eventually } from '../helpers/eventually.ts';
import {
  type GiteaRepo,
  giteaHeaders,
  startGitea,
  type TestGitea,
} from '../helpers/gitea-server.ts';
import { type HttpAnswer, httpGet } from '../helpers/http-get.ts';
import { ownerState, sealFor, secretNames } from '../helpers/owner-state.ts';
import { startScmPlatform } from '../helpers/scm-platform.ts';
import { tempDir } from '../helpers/temp-dir.ts';
import {
  appId,
  getJson,
  keys,
  type ListedDelivery,
  startGitServer,
  type TestGitServer,
} from '../local/git-server/harness.ts';

const enterpriseSecret = 'webhook-secret-of-the-enterprise';
const giteaSecret = 'webhook-secret-of-the-gitea';
/** A function that reads a secret. */
const vault = (name: string, secret: string) =>
  stackFile(name).replace(/( {4}lang: .*\n)/, `$1    secrets: [${secret}]\n`);

describe('two GitHub Apps and a Gitea in one platform, through the real functions', function () {
  this.timeout(240_000);
  let folder: Awaited<ReturnType<typeof tempDir>>;
  let platform: Platform;
  let enterprise: TestGitServer;
  let gitea: TestGitea;
  let site: GiteaRepo;
  const log: string[] = [];
  const on = deploymentsOn(() => platform);

  before(async () => {
    await sodium.ready;
    folder = await tempDir();
    gitea = await startGitea();
    enterprise = await startGitServer({
      webhook: {
        url: () => `http://127.0.0.1:${platform.port}/github-event`,
        secret: enterpriseSecret,
        hostHeader: 'system.localhost',
      },
    });
    platform = await startScmPlatform(
      join(folder.path, 'data'),
      {
        kinds: ['gitea'],
        environment: {
          scms: 'github,github-enterprise,gitea',
          github_url_enterprise: enterprise.url,
          github_api_url_enterprise: enterprise.api,
          github_app_id_enterprise: String(appId),
          gitea_url: gitea.url,
        },
        secrets: {
          'github-webhook-secret-enterprise': enterpriseSecret,
          'private-key-enterprise': keys.privateKey,
          'gitea-webhook-secret': giteaSecret,
          'gitea-api-token': gitea.apiToken,
          'gitea-clone-token': gitea.cloneToken,
        },
        moreSecrets: {
          'github-event': ['github-webhook-secret-enterprise'],
          'github-status': ['private-key-enterprise'],
          'git-tar': ['private-key-enterprise', 'gitea-clone-token'],
        },
      },
      log,
    );
  });
  after(async () => {
    await platform?.close();
    await enterprise?.close();
    await gitea?.close();
    await folder?.remove();
  });

  const post = (path: string, body: string, headers: Record<string, string>) =>
    httpGet(
      `http://127.0.0.1:${platform.port}${path}`,
      { host: `system.localhost:${platform.port}`, 'content-type': 'application/json', ...headers },
      { method: 'POST', body },
    );
  const giteaHook = (event: string, payload: unknown): Promise<HttpAnswer> => {
    const body = JSON.stringify(payload);
    return post('/gitea-event', body, giteaHeaders(event, body, giteaSecret));
  };
  const enterpriseHook = (event: string, payload: unknown): Promise<HttpAnswer> => {
    const body = JSON.stringify(payload);
    const signature = createHmac('sha256', enterpriseSecret).update(body).digest('hex');
    return post('/github-event', body, {
      'x-github-event': event,
      'x-github-delivery': randomUUID(),
      'x-hub-signature-256': `sha256=${signature}`,
    });
  };
  const sealed = (owner: string, values: Record<string, string>) =>
    sealFor(platform, owner, values);
  const left = (owner: string) => ownerState(platform, join(folder.path, 'data'), { owner });
  const ended = (check: () => Promise<CheckRun | undefined>) =>
    eventually(
      async () => {
        const run = await check();
        expect(run?.status, JSON.stringify(run)).to.equal('completed');
        return run;
      },
      { timeoutMs: 90_000, everyMs: 100 },
    );

  it('a push to the first GitHub goes live as ever', async () => {
    const repo = await on.repo('alice', 'one');
    const sha = await on.push(repo, {
      'stack.yml': stackFile('hello'),
      'hello/handler.js': answering('from the first'),
    });
    const checks = await on.completed('alice', 'one', sha);
    expect(checks.get('stack-deploy')?.conclusion, JSON.stringify([...checks])).to.equal('success');
    expect((await on.call('alice', '/hello')).text).to.equal('from the first');
    await repo.remove();
  });

  it('a private repo of the Enterprise is read, and its checks are written, as its own App', async () => {
    const made = await fetch(`${enterprise.api}/repos/corp/site`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: '{"private":true}',
    });
    expect(made.status).to.equal(201);
    const work = await enterprise.workFolder('corp', 'site');
    const sha = await enterprise.commit(work, {
      'stack.yml': vault('vault', 'pin'),
      'vault/handler.js': answering('from the enterprise'),
      'com.openfaas.secrets': await sealed('corp', { pin: 'of corp' }),
    });
    await enterprise.git(work, 'push', '--quiet', 'origin', 'main');
    const { data: installations } = await enterprise.app().rest.apps.listInstallations();
    const installation = installations.find(({ account }) => account && 'login' in account);
    const app = enterprise.app(installation?.id);
    const stack = await ended(async () => {
      const query = { owner: 'corp', repo: 'site', ref: sha };
      const { data } = await app.rest.checks.listForRef(query);
      return data.check_runs.find(({ name }) => name === 'stack-deploy') as CheckRun | undefined;
    });
    expect(stack?.conclusion, JSON.stringify(stack)).to.equal('success');
    expect((await on.call('corp', '/vault')).text).to.equal('from the enterprise');
    const { labels } = (await platform.gateway.get('corp-vault')) ?? {};
    expect(labels).to.include({
      [cloudLabel.scm]: 'github-enterprise',
      [cloudLabel.private]: '1',
    });
    expect(await secretNames(platform)).to.contain('corp-pin');
  });

  it('an owner’s name is the first one’s, at whichever GitHub they are', async () => {
    await enterprise.pushed('alice', 'theirs', { 'stack.yml': stackFile('hello') });
    const deliveries = `${enterprise.api}/repos/alice/theirs/hooks/1/deliveries`;
    await eventually(async () => {
      const [push] = (await getJson<ListedDelivery[]>(deliveries)).filter(
        ({ event }) => event === 'push',
      );
      const { response } = await getJson<ListedDelivery>(`${deliveries}/${push?.id}`);
      expect(response.payload).to.contain('OFC_NAME_TAKEN');
    });
    expect((await on.call('alice', '/hello')).text).to.equal('from the first');
  });

  it('a webhook that one App signed is not taken for the other’s', async () => {
    const body = JSON.stringify({ zen: 'x' });
    for (const secret of ['guess', giteaSecret]) {
      const signature = createHmac('sha256', secret).update(body).digest('hex');
      const refused = await post('/github-event', body, {
        'x-github-event': 'ping',
        'x-github-delivery': randomUUID(),
        'x-hub-signature-256': `sha256=${signature}`,
      });
      expect(refused.status).to.equal(401);
    }
    // Signed by the Enterprise, and it says that it is of the first GitHub.
    const url = `http://127.0.0.1:${platform.port}/git`;
    const forged = await enterpriseHook('push', {
      ref: 'refs/heads/main',
      before: '0'.repeat(40),
      after: 'a'.repeat(40),
      pusher: { name: 'mallory' },
      repository: {
        ...{ id: 1, name: 'one', full_name: 'alice/one', private: false, default_branch: 'main' },
        clone_url: `${url}/alice/one.git`,
        owner: { id: 1, login: 'alice' },
      },
    });
    expect([forged.status, forged.text]).to.deep.equal([400, forged.text]);
    expect(forged.text).to.contain(`only repos on ${enterprise.url} are built`);
  });

  it('a private repo of the Gitea goes from hook to live, with statuses', async () => {
    site = await gitea.add('Forge', 'site', true);
    const answer = await giteaHook(
      'push',
      await gitea.push(site, {
        'stack.yml': vault('vault', 'pin'),
        'vault/handler.js': answering('from the forge'),
        'com.openfaas.secrets': await sealed('forge', { pin: 'of the forge' }),
      }),
    );
    expect(answer.status, answer.text).to.equal(202);
    const stack = await eventually(
      async () => {
        const status = gitea.statuses.get('stack-deploy');
        expect(status?.states.at(-1), JSON.stringify([...gitea.statuses])).to.equal('success');
        return status;
      },
      { timeoutMs: 90_000, everyMs: 100 },
    );
    expect(stack?.states[0]).to.equal('pending');
    expect((await on.call('forge', '/vault')).text).to.equal('from the forge');
    const url = `http://forge.localhost:${platform.port}/vault`;
    expect(gitea.statuses.get('vault')?.body).to.include({ state: 'success', target_url: url });
    // The one token goes to the API only, the other to git only.
    expect(new Set(gitea.apiAuthorizations)).to.deep.equal(new Set([`token ${gitea.apiToken}`]));
    const used = gitea.gitAuthorizations.filter((given) => given !== undefined);
    expect(used).to.have.length.above(0);
    for (const given of used) {
      expect(Buffer.from(given.slice(6), 'base64').toString()).to.match(/:gitea-token-for-clones$/);
    }
    const { labels } = (await platform.gateway.get('forge-vault')) ?? {};
    expect(labels).to.include({ [cloudLabel.scm]: 'gitea', [cloudLabel.private]: '1' });
  });

  it('what Gitea did not sign, or does not host, is refused', async () => {
    const payload = await gitea.push(await gitea.add('forge', 'other'), { 'a.txt': 'a' });
    const body = JSON.stringify(payload);
    const signed = giteaHeaders('push', body, enterpriseSecret);
    expect((await post('/gitea-event', body, signed)).status).to.equal(401);
    const elsewhere = {
      ...(payload['repository'] as object),
      clone_url: 'https://evil.example/forge/other.git',
    };
    const forged = await giteaHook('push', { ...payload, repository: elsewhere });
    expect([forged.status, forged.text]).to.deep.equal([400, forged.text]);
  });

  it('a repo that is deleted at the Gitea leaves no function, secret, record or log', async () => {
    expect((await left('forge')).join()).to.match(/forge-vault.*secrets.*build\.log/);
    const answer = await giteaHook('repository', gitea.repositoryEvent(site, 'deleted'));
    expect(answer.status, answer.text).to.equal(202);
    await eventually(async () => expect(await left('forge')).to.deep.equal(['owners/forge.json']), {
      timeoutMs: 30_000,
      everyMs: 100,
    });
    expect((await on.call('forge', '/vault')).status).to.equal(404);
  });

  it('an owner who uninstalls the App leaves nothing, and gives the name free', async () => {
    expect((await left('corp')).join()).to.match(/corp-vault.*secrets.*build\.log/);
    const installation = { id: 1, account: { id: 1, login: 'corp' } };
    const answer = await enterpriseHook('installation', { action: 'deleted', installation });
    expect(answer.status, answer.text).to.equal(202);
    await eventually(async () => expect(await left('corp')).to.deep.equal([]), {
      timeoutMs: 30_000,
      everyMs: 100,
    });
    expect((await on.call('corp', '/vault')).status).to.equal(404);
    expect(await secretNames(platform)).to.not.contain('corp');
    // Others have what they had.
    expect((await on.call('alice', '/hello')).text).to.equal('from the first');
  });

  it('no credential is in a log', () => {
    const said = log.join('\n');
    for (const secret of [gitea.apiToken, gitea.cloneToken, enterpriseSecret, giteaSecret]) {
      expect(said).to.not.contain(secret);
    }
    expect(said).to.not.contain('of corp').and.to.not.contain('ghs_');
  });
});
