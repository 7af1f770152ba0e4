import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { loadConfig } from '#shared/config.ts';
import { CloudError } from '#shared/errors.ts';
import { readConfig as readAuthConfig } from '../../../functions/of-auth/config.ts';
import { readConfig } from '../../../functions/of-router/config.ts';
import { es256Pair } from '../../helpers/es256-pair.ts';
import { tempDir } from '../../helpers/temp-dir.ts';

async function secretsIn(folder: string): Promise<string> {
  const { privateKey, publicKey } = es256Pair();
  const secrets: Record<string, string> = {
    'payload-secret': 's',
    'basic-auth-user': 'admin',
    'basic-auth-password': 'p',
    'of-client-secret': 'c',
    'jwt-private-key': privateKey,
    'jwt-public-key': publicKey,
  };
  const path = join(folder, 'secrets');
  await mkdir(path);
  for (const [name, value] of Object.entries(secrets)) await writeFile(join(path, name), value);
  return path;
}

describe('configuration of of-router and of-auth', () => {
  it('has defaults for everything but the domain and the client', async () => {
    const folder = await tempDir();
    const env = {
      secret_mount_path: await secretsIn(folder.path),
      gateway_pretty_url: 'http://user.localhost:8080/function',
      client_id: 'x',
    };
    expect(loadConfig(readConfig, env)).to.deep.include({
      hostSource: 'forwarded',
      trustedProxies: 1,
      timeoutMs: 60_000,
      indexRefreshMs: 1000,
      authCacheMs: 5000,
    });
    const auth = loadConfig(readAuthConfig, env);
    expect(auth).to.deep.include({
      idleSeconds: 7200,
      lifetimeSeconds: 43_200,
      operators: [],
      notes: [],
    });
    expect(auth.providers.map(({ title }) => title)).to.deep.equal(['GitHub']);
    await folder.remove();
  });

  it('gives each of several workers an equal share of the limits', async () => {
    const folder = await tempDir();
    const env = {
      secret_mount_path: await secretsIn(folder.path),
      gateway_pretty_url: 'http://user.localhost:8080/function',
      owner_rate: '10',
      owner_concurrency: '0',
      address_rate: '1',
      workers: '4',
    };
    const { limits, asyncQuota } = loadConfig(readConfig, env);
    expect(limits.owner).to.deep.equal({ perSecond: 3, concurrency: 0 });
    expect(limits.address).to.deep.equal({ perSecond: 1, concurrency: 63 });
    expect(asyncQuota).to.equal(15);
    const alone = loadConfig(readConfig, { ...env, workers: 'auto' });
    expect(alone.limits.owner.perSecond).to.equal(10);
    expect(() => loadConfig(readConfig, { ...env, workers: '0' })).to.throw('workers is "0"');
    await folder.remove();
  });

  it('offers several GitHubs, GitLabs and Giteas, each with settings of its own', async () => {
    const folder = await tempDir();
    const secrets = await secretsIn(folder.path);
    for (const name of [
      'gitlab-client-secret',
      'gitlab-client-secret-work',
      'of-client-secret-corp',
      'gitea-client-secret',
    ]) {
      await writeFile(join(secrets, name), 'c');
    }
    const env = {
      secret_mount_path: secrets,
      gateway_pretty_url: 'https://user.example.com/function',
      scms: 'github,github-corp,gitlab,gitlab-work,gitlab-silent,gitea',
      client_id: 'a',
      client_id_corp: 'b',
      github_url_corp: 'https://git.corp.example',
      github_api_url_corp: 'https://git.corp.example/api/v3',
      gitlab_client_id: 'c',
      gitlab_client_id_work: 'd',
      gitlab_instance_work: 'https://gitlab.work.example',
      gitea_client_id: 'e',
      gitea_url: 'https://forge.example',
    };
    const { providers } = loadConfig(readAuthConfig, env);
    expect(providers.map(({ name, title }) => [name, title])).to.deep.equal([
      ['github', 'GitHub'],
      ['gitlab', 'GitLab'],
      ['github-corp', 'GitHub (git.corp.example)'],
      ['gitlab-work', 'GitLab (gitlab.work.example)'],
      ['gitea', 'Gitea (forge.example)'],
    ]);
    const request = { redirectUri: 'https://x/', state: 's', challenge: 'c' };
    const [, , corp, work, forge] = providers.map((provider) => provider.authorizeUrl(request));
    expect(corp).to.match(/^https:\/\/git\.corp\.example\/login\/oauth\/authorize\?.*client_id=b&/);
    expect(forge).to.match(/^https:\/\/forge\.example\/login\/oauth\/authorize\?.*client_id=e&/);
    expect(work).to.match(/^https:\/\/gitlab\.work\.example\/oauth\/authorize\?.*client_id=d&/);
    // A token of a further one must not go to the public site for want of an address.
    const { github_url_corp: _, ...homeless } = env;
    expect(() => loadConfig(readAuthConfig, homeless)).to.throw('github_url_corp');
    // With several, a name alone does not say whose it is.
    expect(() => loadConfig(readAuthConfig, { ...env, operators: 'alice' })).to.throw('operators');
    await folder.remove();
  });

  it('names every problem at once', () => {
    const env = {
      secret_mount_path: '/nonexistent',
      gateway_pretty_url: 'https://example.com',
      router_host_source: 'guess',
      trusted_proxies: '-1',
      timeout: 'soon',
      oauth_provider: 'myspace',
      session_lifetime: '1s',
    };
    const problems = (read: Parameters<typeof loadConfig>[0]): string => {
      try {
        loadConfig(read, env);
      } catch (error) {
        if (error instanceof CloudError) return error.message;
      }
      throw new Error('The configuration was taken.');
    };
    expect(problems(readConfig)).to.match(
      /gateway_pretty_url .*payload-secret.*router_host_source .*trusted_proxies .*timeout /,
    );
    expect(problems(readAuthConfig)).to.match(
      /oauth_provider .*client_id .*of-client-secret.*session_lifetime .*gateway_pretty_url .*jwt-private-key/,
    );
  });
});
