import { expect } from 'chai';
import type { AuditEvent } from '#shared/pipeline/messages.ts';
import type {
  NewToken,
  SessionList,
  TokenList,
} from '../../../functions/dashboard/api/account-schemas.ts';
import { dashboardStage } from './stage.ts';

describe("a person's API tokens and sessions", () => {
  const { store, asked, messages, answers, get, api, post, compared } = dashboardStage('account');

  it('makes tokens for people, shows each once, and ends them', async () => {
    const wanted = { name: 'ci', scope: 'read', days: 30 };
    const made = JSON.parse((await post('make-token', wanted)).body) as NewToken;
    expect(made.token).to.match(/^ofc_github\.1\.[\w-]{43}$/);
    const listed = await get('/dashboard/api/tokens');
    expect(listed.body).not.to.include(made.token);
    const { tokens } = await api<TokenList>('tokens');
    expect(tokens).to.deep.equal([made.info]);
    expect(made.info).to.include({ name: 'ci', scope: 'read' });
    expect(JSON.stringify(messages.sent)).not.to.include(made.token);
    const { id } = made.info;
    const mallory = { subject: 'github:2', id: '2', login: 'mallory' };
    expect((await post('revoke-token', { id }, mallory)).status).to.equal(404);
    expect((await post('revoke-token', { id })).status).to.equal(200);
    expect((await api<TokenList>('tokens')).tokens).to.deep.equal([]);
    expect((await post('revoke-token', { id })).status).to.equal(404);
  });

  it('lets no token make or end tokens', async () => {
    const byToken = { byToken: true };
    const wanted = { name: 'more', scope: 'act', days: 366 };
    expect((await post('make-token', wanted, byToken)).status).to.equal(403);
    expect((await post('revoke-token', { id: 'x' }, byToken)).status).to.equal(403);
    for (const odd of [{ days: 0 }, { days: 367 }, { days: 1.5 }, { scope: 'all' }, { name: '' }]) {
      const answer = await post('make-token', { ...wanted, ...odd });
      expect(answer.status, JSON.stringify(odd)).to.equal(400);
    }
    expect(store.objects.size).to.equal(0);
  });

  const ids = ['current_1', 'other-2'];
  const sessionsAnswer = JSON.stringify({
    sessions: ids.map((id) => ({ id, userAgent: 'x', startedAt: 1, seenAt: 2 })),
  });

  it('shows where they are signed in, as of-auth tells it of them', async () => {
    answers['of-auth/q/sessions'] = { body: sessionsAnswer };
    const { sessions } = await api<SessionList>('sessions', undefined, { session: ids[0] });
    expect(sessions.map(({ id, current }) => [id, current])).to.deep.equal([
      [ids[0], true],
      [ids[1], false],
    ]);
  });

  it('signs them out in one place, and everywhere else', async () => {
    answers['of-auth/q/sessions/end?id=other-2'] = { body: '{}' };
    answers['of-auth/q/sessions/end-others'] = { body: '{}' };
    expect((await post('end-session', { id: 'other-2' })).status).to.equal(200);
    expect((await post('end-session', { id: 'unknown' })).status).to.equal(404);
    expect((await post('end-other-sessions', {})).status).to.equal(200);
    expect(messages.of('audit').map((event) => (event as AuditEvent).message)).to.deep.equal([
      'alice signed out in one place',
      'alice signed out everywhere else',
    ]);
    expect(asked).to.deep.equal([
      'POST of-auth/q/sessions/end?id=other-2',
      'POST of-auth/q/sessions/end?id=unknown',
      'POST of-auth/q/sessions/end-others',
    ]);
  });

  it('lets no token, no form of another page and no odd id near a session', async () => {
    for (const who of [{ byToken: true }, { byToken: true, readOnly: true }]) {
      expect((await get('/dashboard/api/sessions', undefined, {}, who)).status).to.equal(403);
      expect((await post('end-session', { id: 'a' }, who)).status).to.equal(403);
      expect((await post('end-other-sessions', {}, who)).status).to.equal(403);
    }
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', '']) {
      expect((await post('end-session', { id: 'a' }, {}, type)).status, type).to.equal(415);
      expect((await post('end-other-sessions', {}, {}, type)).status, type).to.equal(415);
    }
    for (const id of ['', '../x', 'a&id=b', 'a/../end-others', 'a?b', 'x'.repeat(65)]) {
      expect((await post('end-session', { id })).status, id).to.equal(400);
    }
    expect((await get('/dashboard/api/end-session')).status).to.equal(405);
    expect(asked).to.deep.equal([]);
    expect(messages.sent).to.deep.equal([]);
  });

  it('answers as the description says', compared);
});
