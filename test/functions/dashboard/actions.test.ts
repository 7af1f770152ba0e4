import { expect } from 'chai';
import { parseDeploymentId } from '#shared/pipeline/deployment.ts';
import type { AuditEvent } from '#shared/pipeline/messages.ts';
import type { DeploymentRow } from '../../../functions/dashboard/api/schemas.ts';
import { dashboardStage } from './stage.ts';

describe("the dashboard's actions", () => {
  const { messages, get, post, deploy, compared } = dashboardStage('actions');

  it('rolls back, redeploys, cancels, deletes and removes for who may', async () => {
    const { records, push } = await deploy();
    const of = { owner: 'alice', repo: 'hello', id: push.id };
    expect((await post('redeploy', of)).status).to.equal(400);
    const cancelled = await post('cancel', of);
    expect(JSON.parse(cancelled.body)).to.include({ id: push.id, state: 'cancelled' });
    expect((await post('roll-back', of)).body).to.include('never live');
    const again = JSON.parse((await post('redeploy', of)).body) as DeploymentRow;
    expect(again).to.deep.include({
      state: 'received',
      pusher: 'alice',
      origin: { kind: 'redeploy', of: push.id },
    });
    const ref = { ...push, id: parseDeploymentId(again.id) };
    await records.recordPlan(ref, { outcome: 'planned', functions: [], warnings: [], at: 1 });
    await records.close(ref, { state: 'live', text: 'Live.', at: 2 });
    const back = await post('roll-back', { ...of, id: again.id });
    expect(JSON.parse(back.body)).to.deep.include({ origin: { kind: 'roll-back', of: again.id } });
    const last = { ...push, id: parseDeploymentId((JSON.parse(back.body) as DeploymentRow).id) };
    await records.close(last, { state: 'live', text: 'Live.', at: 3 });
    expect((await post('delete-function', { owner: 'alice', function: 'hello' })).status).to.equal(
      200,
    );
    const garbage = () => messages.of('collectGarbage').at(-1);
    expect(garbage()).to.deep.include({ repo: '*', only: ['hello'], from: { scm: 'github' } });
    expect((await post('remove-repo', { owner: 'alice', repo: 'hello' })).status).to.equal(200);
    expect(garbage()).to.deep.include({ repo: 'hello', from: { scm: 'github', repoId: 22 } });
    const said = messages.of('audit').map((event) => (event as AuditEvent).message);
    expect(said).to.deep.equal([
      'alice cancelled the deployment',
      'alice redeployed aaaaaaa',
      'alice rolled back to aaaaaaa',
      'alice deleted the function hello',
      'alice removed the repo hello',
    ]);
  });

  it('deletes nothing that a deployment under way would bring back', async () => {
    const { records, push } = await deploy();
    const wanted = { owner: 'alice', function: 'hello' };
    const refused = await post('delete-function', wanted);
    expect(refused.status).to.equal(409);
    expect(refused.body).to.include('deployment of hello is under way').and.to.include('Cancel it');
    expect(messages.of('collectGarbage')).to.deep.equal([]);
    await records.close(push, { state: 'live', text: 'Live.', at: 1 });
    await deploy({ repo: 'other', receivedAt: push.receivedAt + 1000 });
    expect((await post('delete-function', wanted)).status).to.equal(200);
  });

  it('says in words what is wrong with a body', async () => {
    const said = async (name: string, body: object | string) =>
      (JSON.parse((await post(name, body)).body) as { error: { message: string } }).error.message;
    const token = { name: 'ci', scope: 'read', days: 1 };
    expect(await said('cancel', '{')).to.include('The body is not JSON.');
    expect(await said('cancel', '"x"')).to.include('The body must be a JSON object.');
    expect(await said('cancel', {})).to.include('The body lacks "owner".');
    expect(await said('make-token', { ...token, name: 1 })).to.include(
      '"name" in the body must be a text.',
    );
    expect(await said('make-token', { ...token, scope: 'x' })).to.include(
      '"scope" in the body must be one of "read", "act".',
    );
    expect(await said('make-token', { ...token, days: 1.5 })).to.include('must be a whole number.');
    expect(await said('make-token', { ...token, days: 999 })).to.include('must be 366 or less.');
    expect(await said('end-session', { id: '/' })).to.include('has a form that is not known here.');
  });

  it('lets nobody act on what is not theirs, or by means that are not for it', async () => {
    const { push } = await deploy();
    const of = { owner: 'alice', repo: 'hello', id: push.id };
    const actions: [string, object][] = [
      ['roll-back', of],
      ['redeploy', of],
      ['cancel', of],
      ['delete-function', { owner: 'alice', function: 'hello' }],
      ['remove-repo', { owner: 'alice', repo: 'hello' }],
    ];
    for (const [name, body] of actions) {
      const mallory = { login: 'mallory', owners: ['mallory', 'alic'] };
      expect((await post(name, body, mallory)).status, name).to.equal(404);
      expect((await post(name, body, { provider: 'gitlab' })).status, name).to.equal(404);
      expect((await post(name, body, { readOnly: true })).status, name).to.equal(403);
      for (const type of ['text/plain', 'application/x-www-form-urlencoded', '']) {
        expect((await post(name, body, {}, type)).status, `${name} ${type}`).to.equal(415);
      }
      expect((await post(name, '{')).status, name).to.equal(400);
      expect((await post(name, {})).status, name).to.equal(400);
      expect((await get(`/dashboard/api/${name}`)).status, name).to.equal(405);
    }
    const large = { ...of, more: 'x'.repeat(200_000) };
    expect((await post('cancel', large)).status).to.equal(413);
    expect(messages.sent).to.deep.equal([]);
  });

  it('answers as the description says', compared);
});
