import { expect } from 'chai';
import { checkClocks, checkHosts } from '#shared/doctor/check-hosts.ts';
import { json, type Routes, useClinic } from './clinic.ts';

describe('hosts and clocks, as the doctor checks them', () => {
  const { serve, expectCodes } = useClinic();

  it('hosts: of-router’s answers, the gateway’s own, none', async () => {
    const edge = async (routes: Routes) => ({
      gateway_pretty_url: `http://user.apps.localhost:${new URL(await serve(routes)).port}/function`,
    });
    await expectCodes(checkHosts, await edge({ 'GET /': json({}) }), 'ok');
    const open = {
      'GET /': json({}),
      'GET /system/functions': json({}, 401),
      'GET /function/echo': json({}),
    };
    await expectCodes(checkHosts, await edge(open), 'hosts-exposed', 'hosts-exposed');
    await expectCodes(checkHosts, await edge({}), 'hosts-edge');
    await expectCodes(
      checkHosts,
      { gateway_pretty_url: 'http://user.apps.localhost:1/function' },
      'hosts-edge',
    );
    await expectCodes(
      checkHosts,
      { gateway_pretty_url: 'https://user.none.invalid/function' },
      'hosts-unresolved',
    );
  });

  it('clocks: ours, and one that is ahead', async () => {
    const at = (ms: number) =>
      serve({
        '*': (_, response) =>
          response.writeHead(200, { date: new Date(Date.now() + ms).toUTCString() }).end(),
      });
    const right = await at(0);
    await expectCodes(checkClocks, { gateway_url: right, github_api_url: right }, 'ok');
    const text = await expectCodes(
      checkClocks,
      { gateway_url: await at(3_600_000), github_api_url: right },
      'clock-off',
    );
    expect(text).to.match(/gateway is 3[56]\d\d s ahead/);
  });
});
