import { expect } from 'chai';
import { loadConfig } from '#shared/config.ts';
import { installationSettings } from '../../../functions/dashboard/installations.ts';

describe('where repos are connected', () => {
  const read = (env: Record<string, string>) => loadConfig(installationSettings, env);

  it('is the App of GitHub, if the operator said where it is', () => {
    const all = read({});
    expect(all.map(({ scm }) => scm)).to.deep.equal(['github', 'gitlab', 'gitea']);
    const none = { url: 'https://github.com', isOwn: false, installUrl: null };
    expect(all[0]).to.deep.equal({ scm: 'github', kind: 'github', ...none });
    const [found] = read({ github_app_page: 'https://github.com/apps/ofc' });
    expect(found?.installUrl).to.equal('https://github.com/apps/ofc/installations/new');
  });

  it('is nothing to install at the git server that the platform brings along', () => {
    const [own] = read({ github_url: 'http://127.0.0.1:8080/git' });
    expect(own).to.include({ isOwn: true, url: 'http://127.0.0.1:8080/git' });
    const [enterprise] = read({ github_url: 'https://127.0.0.1.example.com' });
    expect(enterprise?.isOwn).to.equal(false);
  });
});
