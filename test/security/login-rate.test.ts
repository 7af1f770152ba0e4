import { expect } from 'chai';
import { type AuthStage, buildAuthStage, vouched } from '../functions/of-auth/stage.ts';
import { send } from '../helpers/http-client.ts';

const owner = '/.well-known/openfaas-cloud';

/** CWE-307: nobody tries log-ins, codes or hand-overs as often as they like. */
describe('the rate of log-ins', () => {
  let stage: AuthStage;
  let now = 1_800_000_000_000;
  beforeEach(async () => {
    now = 1_800_000_000_000;
    stage = await buildAuthStage({ loginRate: 3, loginRateTotal: 8, now: () => now });
  });
  afterEach(() => stage.close());

  const from = async (address: string, path = '/auth/login', host = 'system.example.com') =>
    send(stage.port, path, { headers: vouched(stage, path, { address, host }) });
  const statuses = async (count: number, one: (i: number) => ReturnType<typeof from>) => {
    const found: number[] = [];
    for (let i = 0; i < count; i++) found.push((await one(i)).status);
    return found;
  };

  it('is one for all steps of an address, and says when to try again', async () => {
    const steps: [path: string, host?: string][] = [
      ['/auth/callback?code=x&state=y'],
      ['/auth/hand-over?request=x'],
      [`${owner}/sign-in?r=/`, 'alice.example.com'],
      ['/auth/login'],
      ['/auth/login/github'],
      ['/auth/callback?code=x&state=y'],
      ['/auth/hand-over?request=x'],
      [`${owner}/sign-in?r=/`, 'alice.example.com'],
      [`${owner}/session?code=x&for=y`, 'alice.example.com'],
    ];
    const found: number[] = [];
    for (const [path, host] of steps) found.push((await from('192.0.2.1', path, host)).status);
    expect(found).to.deep.equal([400, 302, 302, 429, 429, 429, 429, 429, 429]);
    const refused = await from('192.0.2.1');
    expect(Number(refused.headers['retry-after'])).to.equal(20);
    expect(refused.headers['set-cookie']).to.equal(undefined);
    expect(refused.body).to.contain('20 seconds');
    expect(stage.calls).to.have.length(0);
    now += 20_000;
    expect(await statuses(2, () => from('192.0.2.1'))).to.deep.equal([302, 429]);
  });

  it('of an address leaves the others theirs, up to the rate of all', async () => {
    expect(await statuses(5, () => from('192.0.2.1'))).to.deep.equal([302, 302, 302, 429, 429]);
    expect(await statuses(4, () => from('192.0.2.2'))).to.deep.equal([302, 302, 302, 429]);
    // Two are left of eight, for whoever comes.
    const others = await statuses(3, (i) => from(`198.51.100.${i}`));
    expect(others).to.deep.equal([302, 302, 429]);
  });

  it('counts an IPv6 network as one address', async () => {
    const found = await statuses(4, (i) => from(`2001:db8:0:1:${i}::${i}`));
    expect(found).to.deep.equal([302, 302, 302, 429]);
    expect((await from('2001:db8:0:2::1')).status).to.equal(302);
  });

  it('cannot be had anew by an address that of-router did not vouch for', async () => {
    const path = '/auth/login';
    const forged = (i: number) => {
      const text = JSON.stringify({ host: 'system.example.com', address: `192.0.2.${i}` });
      const visitor = Buffer.from(text).toString('base64url');
      const real = vouched(stage, '/', { address: `192.0.2.${i}` });
      return send(stage.port, path, {
        headers: { ...real, 'x-cloud-visitor': visitor, 'x-forwarded-for': `192.0.2.${i}` },
      });
    };
    expect(await statuses(4, forged)).to.deep.equal([302, 302, 302, 429]);
    // Who did come through of-router is not held up by them.
    expect((await from('192.0.2.1')).status).to.equal(302);
  });

  it('does not hold up signing out, the start page or the keys', async () => {
    await statuses(4, () => from('192.0.2.1'));
    for (const path of ['/', '/auth/logout', '/auth/jwks.json', '/auth/health']) {
      expect((await from('192.0.2.1', path)).status, path).to.equal(200);
    }
  });
});
