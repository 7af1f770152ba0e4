import { expect } from 'chai';
import { checkGateway } from '#shared/doctor/check-gateway.ts';
import { neededFunctions, neededSecrets } from '#shared/doctor/needs.ts';
import { json, nobody, type Routes, useClinic } from './clinic.ts';

describe('the gateway, as the doctor checks it', () => {
  const { serve, patient, expectCodes } = useClinic();

  const deployed = neededFunctions.map((name) => ({
    name,
    availableReplicas: 1,
    labels: { role: 'openfaas-system', 'com.openfaas.scale.zero': 'false' },
  }));
  const provider = { provider: { provider: 'faas-netes-ce' } };
  const routes = (): Routes => ({
    'GET /healthz': json({}),
    'GET /system/info': json(provider),
    'GET /system/functions': json(deployed),
    'GET /system/secrets': json(neededSecrets(patient()).map((name) => ({ name }))),
  });
  const gateway = async (changes: Routes = {}) => ({
    gateway_url: await serve({ ...routes(), ...changes }),
  });

  it('is well', async () => expectCodes(checkGateway, await gateway(), 'ok'));

  it('does not answer, refuses us, has no provider', async () => {
    expect(
      await expectCodes(checkGateway, { gateway_url: nobody }, 'gateway-unreachable'),
    ).to.include('ECONNREFUSED');
    const refusing = await gateway({ 'GET /system/info': json({}, 401) });
    const text = await expectCodes(checkGateway, refusing, 'gateway-credentials');
    expect(text).to.not.include('password1');
    await expectCodes(
      checkGateway,
      await gateway({ 'GET /system/info': json({ provider: null }) }),
      'gateway-provider',
    );
  });

  it('lacks functions, replicas, secrets, room', async () => {
    const some = deployed
      .filter(({ name }) => name !== 'git-tar')
      .map((fn) => (fn.name === 'of-auth' ? { ...fn, availableReplicas: 0 } : fn));
    const more = Array.from({ length: 9 }, (_, i) => ({
      name: `alice-${i}`,
      availableReplicas: 1,
    }));
    const changes = {
      'GET /system/functions': json([...some, ...more]),
      'GET /system/secrets': json([]),
    };
    const text = await expectCodes(
      checkGateway,
      await gateway(changes),
      'functions-missing',
      'functions-down',
      'functions-full',
      'gateway-secrets',
    );
    expect(text).to.include('git-tar').and.include('of-auth').and.include('jwt-private-key');
  });

  it('is not looked at with a wrong setting, which is said', async () => {
    expect(await expectCodes(checkGateway, { gateway_url: 'x' }, 'config-invalid')).to.include(
      'gateway_url',
    );
  });
});
