import { expect } from 'chai';
import type { CustomerCheck } from '../../../functions/of-auth/parts.ts';
import { send } from '../../helpers/http-client.ts';
import { createMemoryObjectStore } from '../../helpers/memory-object-store.ts';
import { buildAuthStage } from './stage.ts';

type List = { ok: boolean; count: number; problem?: string };

/** What `/auth/health` says while the list of customers is so. */
async function healthWith(list: List | undefined) {
  const customers: CustomerCheck = list && {
    admits: async () => false,
    check: async () => list,
  };
  const stage = await buildAuthStage(customers === undefined ? {} : { customers });
  const { status, headers, body } = await send(stage.port, '/auth/health');
  await stage.close();
  expect(status).to.equal(200);
  expect(headers).to.include({ 'content-type': 'application/json', 'cache-control': 'no-store' });
  return { body, ...JSON.parse(body) };
}

describe('/auth/health', () => {
  it('says that the list of customers is read, or that nobody asks for one', async () => {
    expect(await healthWith({ ok: true, count: 3 })).to.deep.include({
      status: 'ok',
      customers: { state: 'ok', count: 3 },
      providers: ['github'],
    });
    expect(await healthWith(undefined)).to.deep.include({
      status: 'ok',
      customers: { state: 'off' },
    });
  });

  it('tells a list that holds on from one that was never there', async () => {
    expect(await healthWith({ ok: false, count: 3, problem: 'x' })).to.deep.include({
      status: 'degraded',
      customers: { state: 'stale', count: 3 },
    });
    expect(await healthWith({ ok: false, count: 0, problem: 'x' })).to.deep.include({
      status: 'degraded',
      customers: { state: 'missing', count: 0 },
    });
  });

  it('says that the store is out, without which nobody is let in who must be signed in', async () => {
    let now = 0;
    let asked = 0;
    const store = createMemoryObjectStore();
    const stage = await buildAuthStage({ store, now: () => now });
    const status = async () => JSON.parse((await send(stage.port, '/auth/health')).body);
    store.exists = () => {
      asked += 1;
      return Promise.reject(new Error('10.0.0.7 is out'));
    };
    for (let i = 0; i < 10; i++) {
      expect(await status()).to.deep.include({ status: 'degraded', store: 'out' });
    }
    // Whoever asks all the time does not ask the store all the time.
    expect(asked).to.equal(1);
    store.exists = async () => false;
    now += 5000;
    expect(await status()).to.deep.include({ status: 'ok', store: 'ok' });
    await stage.close();
  });

  it('does not say why, nor who is on it', async () => {
    const { body } = await healthWith({ ok: false, count: 1, problem: 'ENOENT /var/secret' });
    expect(body).to.not.contain('ENOENT');
  });
});
