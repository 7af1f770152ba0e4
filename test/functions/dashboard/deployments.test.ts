import { expect } from 'chai';
import type { DeploymentDetail, DeploymentPage } from '../../../functions/dashboard/api/schemas.ts';
import { testFunction } from '../../helpers/pipeline-fixtures.ts';
import { dashboardStage, labels, listed } from './stage.ts';

describe("the dashboard's deployments and logs", () => {
  const { asked, answers, get, api, deploy, compared } = dashboardStage('deployments');

  it('lists deployments, newest first, by page', async () => {
    for (let minute = 0; minute < 30; minute++) {
      await deploy({ receivedAt: 1_700_000_000_000 + minute * 60_000 });
    }
    await deploy({ repo: 'other', receivedAt: 1_800_000_000_000 });
    const first = await api<DeploymentPage>('deployments?owner=alice');
    expect(first.deployments).to.have.length(25);
    expect(first.deployments[0]).to.include({ repo: 'other', state: 'received', endedAt: null });
    const second = await api<DeploymentPage>(`deployments?owner=alice&before=${first.next}`);
    expect(second.deployments).to.have.length(6);
    expect(second.next).to.equal(null);
    const ids = [...first.deployments, ...second.deployments].map(({ id }) => id);
    expect(ids).to.deep.equal([...ids].sort().reverse());
    const some = await api<DeploymentPage>('deployments?owner=alice&repo=other');
    expect(some.deployments).to.have.length(1);
  });

  it('shows a deployment with its functions and steps', async () => {
    const { records, push } = await deploy();
    const key = testFunction('web').key;
    const at = push.receivedAt + 900;
    await records.recordPlan(push, {
      outcome: 'planned',
      functions: [testFunction('web')],
      warnings: ['One thing.'],
      at,
    });
    await records.recordBuild(push, key, {
      outcome: 'failed',
      code: 'OFC_BUILD_FAILED',
      text: 'It does not compile.',
      at: at + 10,
    });
    const detail = await api<DeploymentDetail>(`deployment?owner=alice&repo=hello&id=${push.id}`);
    expect(detail.warnings).to.deep.equal(['One thing.']);
    expect(detail.functions).to.deep.equal([
      {
        name: 'web',
        state: 'failed',
        text: 'It does not compile. (OFC_BUILD_FAILED)',
        url: null,
        cached: false,
        hasLog: true,
      },
    ]);
    expect(detail.steps.map(({ ms }) => ms)).to.deep.equal([0, 900, 910]);
  });

  it('streams logs of what is theirs', async () => {
    const { push } = await deploy();
    answers['pipeline-log'] = { body: 'step 1\n' };
    answers['function-logs'] = { body: 'data: {}\n\n' };
    const query = `owner=alice&repo=hello&id=${push.id}&function=web&follow=1`;
    const build = await get(`/dashboard/api/build-log?${query}`);
    expect([build.body, build.headers['content-type']]).to.deep.equal([
      'step 1\n',
      'text/plain; charset=utf-8',
    ]);
    expect(asked.at(-1)).to.equal(
      `pipeline-log/?owner=alice&repo=hello&sha=${push.sha}&function=web&follow=1`,
    );
    const log = await get('/dashboard/api/function-log?owner=alice&function=hello&tail=5');
    expect([log.body, log.headers['content-type']]).to.deep.equal([
      'data: {}\n\n',
      'text/event-stream',
    ]);
    expect(asked.at(-1)).to.equal('function-logs/?function=alice-hello&tail=5');
    delete answers['pipeline-log'];
    expect((await get(`/dashboard/api/build-log?${query}`)).status).to.equal(404);
  });

  const questionsOn = (id: string) => [
    'functions?owner=alice',
    'deployments?owner=alice',
    `deployment?owner=alice&repo=hello&id=${id}`,
    `build-log?owner=alice&repo=hello&id=${id}&function=web`,
    'function-log?owner=alice&function=hello',
  ];

  for (const hidden of [false, true]) {
    it(`has nothing of others for anybody (${hidden ? 'private' : 'public'} repo)`, async () => {
      const { push } = await deploy({ private: hidden });
      for (const question of [
        ...questionsOn(push.id),
        'function-traffic?owner=alice&function=hello',
      ]) {
        const answer = await get(`/dashboard/api/${question}`, ['mallory', 'alic', 'alice-x']);
        expect(answer.status, question).to.equal(404);
        expect(answer.body, question).to.not.contain(push.sha);
      }
      expect(asked).to.deep.equal([]);
    });
  }

  it('takes the same name at another provider for somebody else', async () => {
    const { push } = await deploy();
    await deploy({ scm: 'gitlab', receivedAt: 1_700_000_100_000 });
    const { deployments } = await api<DeploymentPage>('deployments?owner=alice');
    expect(deployments.map((each) => each.id)).to.deep.equal([push.id]);
    const other = await get('/dashboard/api/function-traffic?owner=alice&function=other');
    expect(other.status).to.equal(404);
    const own = listed('alice-hello', { labels: labels('alice') });
    answers['list-functions'] = { body: JSON.stringify([own]) };
    const identity = { provider: 'gitlab', subject: 'gitlab:1' } as const;
    for (const question of questionsOn(push.id)) {
      const elsewhere = await get(`/dashboard/api/${question}`, ['alice'], {}, identity);
      expect(elsewhere.body, question).to.not.contain(push.id).and.to.not.contain('alice-hello');
    }
  });

  it('shows a private repo, its deployments and logs to its owner and members', async () => {
    const { push } = await deploy({ private: true });
    const hidden = { 'com.openfaas.cloud.git-private': '1' };
    const own = listed('alice-hello', { labels: { ...labels('alice'), ...hidden } });
    answers['list-functions'] = { body: JSON.stringify([own]) };
    answers['pipeline-log'] = { body: 'step 1\n' };
    answers['function-logs'] = { body: 'data: {}\n\n' };
    for (const question of questionsOn(push.id)) {
      // A member is somebody else who may see the owner.
      for (const owners of [['alice'], ['bob', 'alice']]) {
        const answer = await get(`/dashboard/api/${question}`, owners);
        expect(answer.status, `${question}: ${answer.body}`).to.equal(200);
      }
    }
  });

  it('answers as the description says', compared);
});
