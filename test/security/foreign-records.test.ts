import { expect } from 'chai';
import type { Identity } from '#shared/messages/identity.ts';
import { dashboardStage } from '../functions/dashboard/stage.ts';

interface Described {
  readonly parameters?: readonly { readonly name: string }[];
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly schema: Shape }>>;
  };
}
interface Shape {
  readonly properties?: Readonly<Record<string, unknown>>;
}

/** Who has nothing to do with alice, whatever their name looks like. */
const strangers: (Partial<Identity> & { owners: string[] })[] = [
  { login: 'mallory', owners: ['mallory'] },
  { login: 'alic', owners: ['alic', 'alice-b', 'lice', ''] },
  { login: 'mallory', owners: [] },
  { login: 'mallory', owners: ['mallory'], byToken: true },
];

/**
 * CWE-639; Coolify CVE-2026-48742 (checks that were commented out, records reached by their id),
 * Dokploy CVE-2026-45632 (a router that never asked whose it was). Each route of the API that names an
 * owner is tried as it is described, so that a new one cannot come without its check.
 */
describe('a record of somebody else', () => {
  const { api, get, post, deployed, messages, asked, tried, store } = dashboardStage('openapi');

  it('is not there, whichever route of the API is asked for it', async () => {
    const push = await deployed();
    const values: Record<string, unknown> = {
      ...{ owner: 'alice', repo: 'hello', id: push.id, function: 'hello' },
      ...{ method: 'GET', path: '/', headers: [], body: '', signedIn: false },
      ...{ kind: 'webhook', events: 'all', url: 'https://example.com/hook' },
    };
    const description = await api<{ paths: Record<string, Record<string, Described>> }>(
      'openapi.json',
    );
    const routes = Object.entries(description.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { parameters = [], requestBody }]) => {
        const { properties = {} } = requestBody?.content['application/json']?.schema ?? {};
        const names = [...parameters.map(({ name }) => name), ...Object.keys(properties)];
        return { method, name: path.split('/').at(-1) ?? '', names };
      }),
    );
    const owned = routes.filter(({ names }) => names.includes('owner'));
    expect(owned.length).to.be.greaterThan(15);
    const before = [...store.objects.keys()];
    for (const { method, name, names } of owned) {
      const own =
        name === 'redeliver' ? { ...values, id: `${'0'.repeat(9)}-${'0'.repeat(16)}` } : values;
      const given = Object.entries(own).filter(([key]) => names.includes(key));
      for (const who of strangers) {
        asked.length = 0;
        const query = new URLSearchParams();
        for (const [key, value] of given) query.set(key, String(value));
        const { status, body } =
          method === 'get'
            ? await get(`/dashboard/api/${name}?${query}`, who.owners, {}, who)
            : await post(name, Object.fromEntries(given), who);
        expect(status, `${name} ${JSON.stringify(who)} ${body}`).to.equal(404);
        expect(body, name).to.not.contain(push.sha);
        // Nobody was asked about it for them, either.
        expect(asked.join(), name).to.not.contain('alice');
      }
    }
    expect(messages.sent).to.deep.equal([]);
    expect(tried).to.deep.equal([]);
    expect([...store.objects.keys()]).to.deep.equal(before);
  });

  it('is there for its owner: the routes are asked as they should be', async () => {
    const { id } = await deployed();
    for (const question of [
      'functions?owner=alice',
      `deployment?owner=alice&repo=hello&id=${id}`,
    ]) {
      expect((await get(`/dashboard/api/${question}`)).status, question).to.equal(200);
    }
    expect((await post('cancel', { owner: 'alice', repo: 'hello', id })).status).to.equal(200);
  });
});
