import { expect } from 'chai';
import { send } from '../../helpers/http-client.ts';
import { buildStage, type Stage, valuesOf } from './stage.ts';

const annotation = 'com.openfaas.cloud.custom-domain';
const at = (host: string) => ({ headers: { 'x-forwarded-host': host } });

describe('custom domains through of-router', () => {
  let stage: Stage;
  const functions: Record<string, string> = {};
  const asked: string[] = [];
  before(async () => {
    functions['alice-web'] = 'alice';
    stage = await buildStage({
      functions,
      annotations: {
        'alice-web': { [annotation]: 'shop.test' },
        'alice-secret': { [annotation]: 'secret.test', 'com.openfaas.cloud.auth': 'customers' },
        'bob-web': { [annotation]: 'shop.test,stolen.test' },
      },
      config: {
        resolveTxt: async (name) => {
          asked.push(name);
          return /^_openfaas-cloud\.(?:shop|secret)\.test$/.test(name)
            ? [['alice.example', '.com']]
            : [];
        },
      },
    });
  });
  after(() => stage.close());

  it('lead to their function with the whole path', async () => {
    for (const path of ['/', '/A/b?c', '/list-functions', '/healthz']) {
      expect((await send(stage.port, path, at('Shop.test'))).status, path).to.equal(200);
    }
    expect(stage.seen.map(({ url }) => url)).to.deep.equal([
      '/alice-web/',
      '/alice-web/A/b?c',
      '/alice-web/list-functions',
      '/alice-web/healthz',
    ]);
    expect(valuesOf(stage.seen[0]?.rawHeaders ?? [], 'x-forwarded-host')).to.deep.equal([
      'Shop.test',
    ]);
    expect(stage.questions.at(-1)?.url).to.contain('shop.test');
  });

  it('are nothing without a proof, whoever asks for them', async () => {
    functions['bob-web'] = 'bob';
    expect((await send(stage.port, '/', at('stolen.test'))).status).to.equal(404);
    expect((await send(stage.port, '/', at('unknown.test'))).status).to.equal(404);
    expect((await send(stage.port, '/x', at('shop.test'))).status).to.equal(200);
    expect(stage.seen.at(-1)?.url).to.equal('/alice-web/x');
    // Nobody outside chooses what is looked up.
    expect(asked.filter((name) => name.includes('unknown'))).to.deep.equal([]);
  });

  it('read paths as strictly as other hosts', async () => {
    const before = stage.seen.length;
    for (const path of ['//', '/../x', '/%2e%2e/x', '/a\\b', '/x%00']) {
      expect((await send(stage.port, path, at('shop.test'))).status, path).to.equal(400);
    }
    expect(stage.seen).to.have.length(before);
  });

  it('do not serve a function that asks who comes, signed in or not', async () => {
    functions['alice-secret'] = 'alice';
    const seen = stage.seen.length;
    const questions = stage.questions.length;
    for (const cookie of ['', '__Host-ofc_session=x']) {
      const headers = { 'x-forwarded-host': 'secret.test', accept: 'text/html', cookie };
      const { status, body } = await send(stage.port, '/', { headers });
      expect(status).to.equal(403);
      expect(body).to.contain('at the address of its owner on this platform only');
    }
    // Nor can its own path for signing in be reached there.
    const signIn = '/.well-known/openfaas-cloud/sign-in';
    expect((await send(stage.port, signIn, at('secret.test'))).status).to.equal(403);
    expect([stage.seen.length, stage.questions.length]).to.deep.equal([seen, questions]);
  });
});
