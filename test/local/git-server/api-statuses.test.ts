import { expect } from 'chai';
import { apiStage, hello, refused } from './api-stage.ts';

describe('git server: REST API', () => {
  const api = apiStage();

  it('keeps statuses: all, and the latest of each context with their sum', async () => {
    const state = async () =>
      (await api.octokit.repos.getCombinedStatusForRef({ ...hello, ref: 'main' })).data;
    expect(await state()).to.deep.include({ state: 'pending', total_count: 0 });
    const set = (context: string, value: 'pending' | 'success' | 'error') =>
      api.octokit.repos.createCommitStatus({
        ...hello,
        sha: api.sha,
        state: value,
        context,
        target_url: 'http://127.0.0.1/log',
        description: 'd',
      });
    expect((await set('a', 'pending')).status).to.equal(201);
    await set('b', 'success');
    expect((await state()).state).to.equal('pending');
    await set('a', 'success');
    expect(await state()).to.deep.include({ state: 'success', total_count: 2 });
    await set('b', 'error');
    expect((await state()).state).to.equal('failure');
    expect(
      (await api.octokit.repos.listCommitStatusesForRef({ ...hello, ref: api.sha })).data.map(
        ({ context }) => context,
      ),
    ).to.deep.equal(['b', 'a', 'b', 'a']);
    const wrong = { ...hello, sha: api.sha, state: 'done' as 'success' };
    expect((await refused(api.octokit.repos.createCommitStatus(wrong))).status).to.equal(422);
    expect(
      (
        await refused(
          api.octokit.repos.createCommitStatus({
            ...hello,
            sha: api.sha,
            state: 'success',
            description: 'x'.repeat(141),
          }),
        )
      ).status,
    ).to.equal(422);
    expect(
      (
        await refused(
          api.octokit.repos.createCommitStatus({ ...hello, sha: 'e'.repeat(40), state: 'success' }),
        )
      ).status,
    ).to.equal(422);
    expect(
      (
        await refused(
          api.server
            .anonymous()
            .repos.createCommitStatus({ ...hello, sha: api.sha, state: 'success' }),
        )
      ).status,
    ).to.equal(401);
  });

  it('keeps deployments and their statuses', async () => {
    const created = await api.octokit.repos.createDeployment({
      ...hello,
      ref: 'main',
      environment: 'production',
      required_contexts: [],
      auto_merge: false,
    });
    expect(created.status).to.equal(201);
    const deployment = created.data as { id: number; sha: string };
    expect(deployment.sha).to.equal(api.sha);
    const { status } = await api.octokit.repos.createDeploymentStatus({
      ...hello,
      deployment_id: deployment.id,
      state: 'success',
      environment_url: 'http://alice.localhost/hello',
    });
    expect(status).to.equal(201);
    const { data } = await api.octokit.repos.listDeploymentStatuses({
      ...hello,
      deployment_id: deployment.id,
    });
    expect(data[0]).to.include({
      state: 'success',
      environment_url: 'http://alice.localhost/hello',
      environment: 'production',
    });
    expect(
      (await api.octokit.repos.listDeployments({ ...hello, sha: api.sha })).data.map(
        ({ id }) => id,
      ),
    ).to.deep.equal([deployment.id]);
    expect(
      (await api.octokit.repos.listDeployments({ ...hello, environment: 'test' })).data,
    ).to.deep.equal([]);
  });
});
