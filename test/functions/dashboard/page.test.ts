import { expect } from 'chai';
import { auditKey } from '#shared/audit-trail.ts';
import { identityHeader, signIdentity } from '#shared/messages/identity.ts';
import { signatureHeader } from '#shared/messages/signature.ts';
import type {
  AuditAnswer,
  FunctionList,
  FunctionOne,
  Me,
  SettingsAnswer,
} from '../../../functions/dashboard/api/schemas.ts';
import { testIdentity, testSigner } from '../../helpers/signed-request.ts';
import { dashboardStage, listed } from './stage.ts';

describe('the dashboard', () => {
  const { store, asked, answers, get, api, deployed, send, compared } = dashboardStage('page');

  it('sends the page for every address, with nothing of other hosts in it', async () => {
    for (const path of ['/dashboard', '/dashboard/', '/dashboard/alice/functions/hello?x=1']) {
      const { status, headers, body } = await get(path);
      expect(status).to.equal(200);
      expect(headers['content-security-policy']).to.include(
        "default-src 'none'; script-src 'self'",
      );
      expect(headers['cache-control']).to.equal('no-store');
      expect(body).to.include('<script type="module" src="/dashboard/assets/main-1.js">');
      expect(body).not.to.match(/https?:\/\//);
    }
  });

  it('sends its files to be kept for ever, packed for who takes that', async () => {
    const plain = await get('/dashboard/assets/main-1.js');
    expect([plain.body, plain.headers['content-encoding']]).to.deep.equal(['x', undefined]);
    expect(plain.headers['cache-control']).to.include('immutable');
    const packed = await get('/dashboard/assets/main-1.js', undefined, {
      'accept-encoding': 'gzip, br',
    });
    expect([packed.body, packed.headers['content-encoding']]).to.deep.equal(['br', 'br']);
    for (const name of ['main-2.js', '../handler.ts', '', 'constructor']) {
      expect((await get(`/dashboard/assets/${name}`)).status).to.equal(404);
    }
  });

  it('tells who is signed in and whose things they may see', async () => {
    expect(await api<Me>('me')).to.deep.equal({
      login: 'alice',
      provider: 'github',
      owners: ['alice', 'acme'],
      operator: false,
      site: { systemOrigin: 'http://system.localhost:8080' },
    });
  });

  it('tells how repos are connected', async () => {
    const { scms } = await api<SettingsAnswer>('settings');
    expect(scms.map(({ scm, webhookUrl }) => [scm, webhookUrl])).to.deep.equal([
      ['github', 'http://system.localhost:8080/github-event'],
      ['gitlab-work', 'http://system.localhost:8080/gitlab-event'],
    ]);
  });

  it('lists functions with their traffic', async () => {
    const { functions, metricsProblem } = await api<FunctionList>('functions?owner=alice');
    expect(metricsProblem).to.equal(null);
    expect(functions.map(({ service }) => service)).to.deep.equal(['alice-hello']);
    expect(functions[0]).to.include({
      name: 'hello',
      url: 'http://alice.localhost:8080/hello',
      repoUrl: 'https://github.com/Alice/hello',
      deployedAt: 1_700_000_000_000,
    });
    expect(functions[0]?.traffic).to.deep.equal({
      success: 4,
      failure: 1,
      spark: [1, 1, 3],
      failures: [0, 1, 0],
    });
    expect(asked).to.have.members([
      'list-functions/?user=alice',
      'system-metrics/?user=alice&metrics_window=60m&detail=1',
    ]);
  });

  it('shows the list without numbers while metrics do not answer', async () => {
    answers['system-metrics'] = { status: 502, body: 'no' };
    const list = await api<FunctionList>('functions?owner=alice&window=24h');
    expect(list.functions[0]?.traffic).to.equal(null);
    expect(list.metricsProblem).to.include('system-metrics');
  });

  it('shows the traffic of a function over time', async () => {
    const numbers = [1, 2];
    answers['system-metrics'] = {
      body: JSON.stringify({
        success: 2,
        failure: 1,
        windowSeconds: 3600,
        stepSeconds: 60,
        latency: { p50: 0.1, p95: null, p99: null },
        series: {
          times: numbers,
          success: numbers,
          failure: numbers,
          p50: [0.1, null],
          p95: [null, null],
          p99: [null, null],
        },
      }),
    };
    const traffic = await api<object>('function-traffic?owner=alice&function=hello&window=24h');
    expect(traffic).to.deep.include({ success: 2, failure: 1 });
    expect(asked.at(-1)).to.equal(
      'system-metrics/?function=alice-hello&metrics_window=24h&detail=1',
    );
  });

  it('shows what a function was made from, and by whom', async () => {
    const push = await deployed();
    const fn = await api<FunctionOne>('function?owner=alice&function=hello');
    expect(fn.deployedBy).to.equal('carol');
    expect(fn.badgeUrl).to.equal('http://system.localhost:8080/badge/alice/hello.svg');
    expect(fn.provenance).to.deep.include({
      id: push.id,
      sha: push.sha,
      image: 'registry.example/alice/hello-hello:1@sha256:12',
      seconds: 3,
      startedAt: 2 - 3000,
      builtAt: 2,
      pusher: 'carol',
      branch: push.branch,
      repoUrl: push.repoUrl,
      lang: 'node-ts',
    });
    const list = await api<FunctionList>('functions?owner=alice');
    expect(list.functions.map(({ deployedBy }) => deployedBy)).to.deep.equal(['carol']);
    // Without its records it is shown all the same.
    store.objects.clear();
    answers['list-functions'] = { body: JSON.stringify([listed('alice-hello')]) };
    const bare = await api<FunctionOne>('function?owner=alice&function=hello');
    expect([bare.deployedBy, bare.provenance]).to.deep.equal([null, null]);
  });

  it('shows owners their audit trail, and operators all of it', async () => {
    for (const [n, owner] of ['alice', 'bob', undefined].entries()) {
      const whose = owner === undefined ? {} : { owner };
      const { key, time } = auditKey(`v1,${n},x`, owner);
      const entry = { time, source: 's', message: `m ${n}`, ...whose, actor: 'github:1' };
      await store.put(key, JSON.stringify(entry));
    }
    const mine = await api<AuditAnswer>('audit?owner=alice');
    expect(mine.entries.map(({ message }) => message)).to.deep.equal(['m 0']);
    const all = await api<AuditAnswer>('audit', undefined, { operator: true });
    expect(all.entries.map(({ message }) => message)).to.deep.equal(['m 2', 'm 1', 'm 0']);
    expect((await get('/dashboard/api/audit')).status).to.equal(403);
    expect((await get('/dashboard/api/audit?owner=bob')).status).to.equal(404);
    for (const before of ['..', '1970-01-01/../x', '1970-01-01/', '%00']) {
      const path = `/dashboard/api/audit?owner=alice&before=${encodeURIComponent(before)}`;
      expect((await get(path)).status, before).to.equal(400);
    }
    // The name belongs to an account of another SCM.
    await store.put('owners/acme.json', JSON.stringify({ scm: 'gitlab', id: 1 }));
    const { key, time } = auditKey('v1,9,x', 'acme');
    await store.put(key, JSON.stringify({ time, source: 's', message: 'secret', owner: 'acme' }));
    expect((await api<AuditAnswer>('audit?owner=acme')).entries).to.deep.equal([]);
  });

  it('links to no address that is not a web page', async () => {
    const annotations = { 'com.openfaas.cloud.git-repo-url': 'javascript:alert(1)' };
    answers['list-functions'] = { body: JSON.stringify([listed('alice-hello', { annotations })]) };
    const { functions } = await api<FunctionList>('functions?owner=alice');
    expect(functions[0]?.repoUrl).to.equal(null);
  });

  it('answers nobody whom the router does not vouch for', async () => {
    const bare = await send('/dashboard/api/me');
    expect(bare.status).to.equal(401);
    const moved = signIdentity(testSigner, 'dashboard', '/dashboard/api/me', testIdentity({}));
    const headers = { [identityHeader]: moved.identity, [signatureHeader]: moved.signature };
    expect((await send('/dashboard/api/functions', { headers })).status).to.equal(401);
    const posted = await send('/dashboard/api/me', { method: 'POST', headers });
    expect(posted.status).to.equal(405);
  });

  it('refuses what is no question', async () => {
    const expected: [string, number][] = [
      ['nothing', 404],
      ['functions', 400],
      ['functions?owner=../x', 422],
      ['functions?owner=alice&window=1y', 400],
      ['deployments?owner=alice&before=zzz', 400],
      ['deployments?owner=alice&repo=..', 422],
      ['deployment?owner=alice&repo=hello&id=1', 400],
    ];
    for (const [question, status] of expected) {
      expect((await get(`/dashboard/api/${question}`)).status, question).to.equal(status);
    }
  });

  it('answers as the description says', compared);
});
