import { expect } from 'chai';
import type { FindingsAnswer, PlatformAnswer } from '../../../functions/dashboard/api/schemas.ts';
import { testFunction } from '../../helpers/pipeline-fixtures.ts';
import { dashboardStage } from './stage.ts';

describe("the operators' page", () => {
  const { asked, messages, answers, get, api, post, deploy, compared } =
    dashboardStage('operators');

  const operator = { operator: true };
  const state = {
    queue: { depth: 1, running: 2, dead: 1, oldestMs: 5 },
    deadLetters: [{ id: 'a1', function: 'f', attempts: 3, reason: 'no', failedAt: 'x' }],
    functions: [{ name: 'echo', image: 'i:1', replicas: 1, availableReplicas: 1 }],
    gateway: '0.1.0',
    provider: 'faasd 1',
  };

  it('shows the queue, what goes on and what the doctor finds', async () => {
    const { records, push } = await deploy({ receivedAt: 1_700_000_999_000 });
    const functions = [testFunction('one'), testFunction('two')];
    await records.recordPlan(push, { outcome: 'planned', functions, warnings: [], at: 1 });
    await records.claim(push, 'build/one', { leaseMs: 1000, maxAttempts: 1 });
    answers['doctor/?show=state'] = { body: JSON.stringify(state) };
    const found = await api<PlatformAnswer>('platform', undefined, operator);
    expect(found).to.deep.include({ state, problem: null });
    expect(found.open.map(({ id, building }) => [id, building])).to.deep.equal([
      [push.id, ['one']],
    ]);
    const finding = { check: 'c', code: 'ok', level: 'ok', what: 'w', why: '', fix: '' };
    answers['doctor/'] = { body: JSON.stringify({ findings: [finding] }) };
    const { findings } = await api<FindingsAnswer>('findings', undefined, operator);
    expect(findings).to.deep.equal([finding]);
  });

  it('says what is missing without the doctor', async () => {
    const found = await api<PlatformAnswer>('platform', undefined, operator);
    expect(found.state).to.equal(null);
    expect(found.problem).to.be.a('string');
  });

  it('moves dead letters', async () => {
    answers['doctor/'] = { body: '{}' };
    expect((await post('redrive', { id: 'a1' }, operator)).status).to.equal(200);
    expect((await post('discard', { id: 'a1' }, operator)).status).to.equal(200);
    expect(asked).to.deep.equal(['POST doctor/', 'POST doctor/']);
    expect((await post('discard', { id: '../x' }, operator)).status).to.equal(400);
    expect(messages.of('audit')).to.have.length(2);
  });

  it('and for nobody else', async () => {
    for (const path of ['platform', 'findings']) {
      expect((await get(`/dashboard/api/${path}`)).status, path).to.equal(403);
    }
    for (const what of ['redrive', 'discard']) {
      expect((await post(what, { id: 'a1' })).status, what).to.equal(403);
    }
    expect(asked).to.deep.equal([]);
  });

  it('answers as the description says', compared);
});
