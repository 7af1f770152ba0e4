import { expect } from 'chai';
import type { AuditEvent } from '#shared/pipeline/messages.ts';
import type {
  NewDestinationAnswer,
  NotificationsAnswer,
} from '../../../functions/dashboard/api/notifications-api.ts';
import { dashboardStage } from './stage.ts';

describe('notifications', () => {
  const { store, messages, get, api, post, compared } = dashboardStage('notifications');

  it('sets up notifications, shows their secret once, tests, sends again, and removes', async () => {
    const wanted = {
      owner: 'acme',
      kind: 'webhook',
      events: 'all',
      url: 'https://hooks.example/s3',
    };
    const added = JSON.parse((await post('add-destination', wanted)).body) as NewDestinationAnswer;
    expect(added.secret).to.match(/^whsec_[\w+/]{43}=$/);
    expect(added.destination).to.include({ host: 'hooks.example', createdBy: 'alice' });
    const slack = { ...wanted, kind: 'slack' };
    expect((await post('add-destination', slack)).body).to.include('"secret":null');

    const { id } = added.destination;
    expect((await post('test-destination', { owner: 'acme', id })).status).to.equal(200);
    expect(messages.of('deliverNotices')).to.have.length(1);
    const list = await api<NotificationsAnswer>('notifications?owner=acme');
    expect(list.destinations).to.have.length(2);
    expect(list.notices).to.have.length(1);
    const [notice] = list.notices;
    expect(notice).to.include({ destination: id, state: 'waiting', tries: 0, lastAnswer: null });
    expect((await post('redeliver', { owner: 'acme', id: notice?.id })).status).to.equal(200);
    expect((await api<NotificationsAnswer>('notifications?owner=acme')).notices).to.have.length(2);
    expect((await post('remove-destination', { owner: 'acme', id })).status).to.equal(200);
    expect((await post('redeliver', { owner: 'acme', id: notice?.id })).status).to.equal(404);
    const said = JSON.stringify([list, messages.sent, [...store.objects.values()].map(String)]);
    for (const secret of [added.secret ?? '', '/s3']) expect(said).not.to.include(secret);
    expect(messages.of('audit').map((event) => (event as AuditEvent).message)).to.deep.equal([
      'alice added the webhook at hooks.example',
      'alice added the slack at hooks.example',
      'alice removed the webhook at hooks.example',
    ]);
  });

  it("lets nobody see or touch another owner's notifications, or send them inside", async () => {
    const wanted = {
      owner: 'alice',
      kind: 'webhook',
      events: 'all',
      url: 'https://hooks.example/',
    };
    const { destination } = JSON.parse(
      (await post('add-destination', wanted)).body,
    ) as NewDestinationAnswer;
    const of = { owner: 'alice', id: destination.id };
    const noticeOf = { owner: 'alice', id: `${'0'.repeat(9)}-${'0'.repeat(16)}` };
    const actions: [string, object][] = [
      ['add-destination', wanted],
      ['test-destination', of],
      ['remove-destination', of],
      ['redeliver', noticeOf],
    ];
    messages.sent.length = 0;
    const stored = store.objects.size;
    for (const [name, body] of actions) {
      const mallory = { login: 'mallory', owners: ['mallory'] };
      expect((await post(name, body, mallory)).status, name).to.equal(404);
      expect((await post(name, body, { readOnly: true })).status, name).to.equal(403);
      expect((await post(name, { ...body, id: '../x', kind: 'x' })).status, name).not.to.equal(200);
    }
    for (const [name, body] of actions.slice(1)) {
      expect((await post(name, body, { provider: 'gitlab' })).status, name).to.equal(404);
    }
    expect((await get('/dashboard/api/notifications?owner=alice', ['mallory'])).status).to.equal(
      404,
    );
    for (const url of ['http://hooks.example/', 'https://127.0.0.1/', 'https://[::1]/', 'x']) {
      expect((await post('add-destination', { ...wanted, url })).status, url).to.equal(400);
    }
    expect(store.objects.size).to.equal(stored);
    expect(messages.sent).to.deep.equal([]);
  });

  it('answers as the description says', compared);
});
