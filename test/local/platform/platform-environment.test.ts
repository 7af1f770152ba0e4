import { expect } from 'chai';
import { loadConfig } from '#shared/config.ts';
import { customersSettings } from '#shared/customers.ts';
import { platformEnvironment } from '../../../local/platform/platform-environment.ts';
import { environmentFile } from '../../helpers/platform-environment.ts';

describe('local/platform/platform-environment', () => {
  const environment = {
    ...environmentFile('gateway_config.yml'),
    ...platformEnvironment(
      {
        port: 8080,
        storeUrl: 'http://127.0.0.1:9000',
        prometheusUrl: 'http://127.0.0.1:4',
        builderUrl: 'http://127.0.0.1:9001',
      },
      { validateCustomers: true, notes: ['one', 'two'] },
    ),
  };

  it('leaves no address of the example cluster behind', () => {
    const foreign = Object.entries(environment).filter(([, value]) =>
      /example\.com|openfaas:|svc\.cluster/.test(value),
    );
    expect(foreign).to.deep.equal([]);
  });

  it('has the secret as the list of customers, wherever secrets are mounted', () => {
    const { path } = loadConfig(customersSettings, environment);
    expect(path).to.equal('/var/openfaas/secrets/customers');
    expect(environment.customers_path).to.equal('');
  });
});
