import { expect } from 'chai';
import { functionDeployment } from '../../../functions/buildshiprun/function-deployment.ts';
import { testFunction, testPush } from '../../helpers/pipeline-fixtures.ts';

const limits = {
  memory: '64Mi',
  cpu: undefined,
  cpuRequest: '100m',
  readOnlyRootFilesystem: false,
  scaleMin: 2,
  scaleMax: 3,
  scaleFactor: 50,
  scaleToZero: true,
};

describe('what the gateway is asked to run', () => {
  const spec = (changes: object) =>
    functionDeployment(testPush(), { ...testFunction('fn'), ...changes }, 'image', limits);

  it('has the limits of the operator, whatever the tenant asks for', () => {
    const it = spec({ limits: { memory: '64Gi', cpu: '32' }, readOnlyRootFilesystem: true });
    expect(it.limits).to.deep.equal({ memory: '64Mi' });
    expect(it.requests).to.deep.equal({ cpu: '100m' });
    expect(it.readOnlyRootFilesystem).to.equal(false);
  });

  it('has labels of ours alone: no tenant can claim another owner or scale', () => {
    const { labels } = spec({
      labels: {
        'com.openfaas.cloud.git-owner': 'bob',
        'com.openfaas.scale.max': '1000',
        'com.openfaas.scale.zero': 'false',
        role: 'openfaas-system',
      },
    });
    expect(labels).to.include({
      'com.openfaas.cloud.git-owner': 'alice',
      'com.openfaas.scale.min': '2',
      'com.openfaas.scale.max': '3',
      'com.openfaas.scale.factor': '50',
      'com.openfaas.scale.zero': 'false',
      faas_function: 'alice-fn',
      app: 'alice-fn',
    });
    expect(labels).to.not.have.property('role');
    expect(spec({}).labels['com.openfaas.scale.zero']).to.equal('true');
  });

  it('never scales to zero where the operator says so', () => {
    const fixed = { ...limits, scaleToZero: false };
    const { labels } = functionDeployment(testPush(), testFunction('fn'), 'image', fixed);
    expect(labels['com.openfaas.scale.zero']).to.equal('false');
  });

  it('has those annotations that a tenant may set, and where the repo is', () => {
    const { annotations } = spec({
      annotations: {
        topic: 'cron-function',
        schedule: '* * * * *',
        'com.openfaas.cloud.git-repo-url': 'https://evil.example',
        'prometheus.io.scrape': 'true',
      },
    });
    expect(annotations).to.deep.equal({
      topic: 'cron-function',
      schedule: '* * * * *',
      'com.openfaas.cloud.git-repo-url': 'https://github.com/Alice/hello',
    });
  });

  it('has the process of the stack file, if there is one', () => {
    expect(spec({ envProcess: 'cat' }).envProcess).to.equal('cat');
    expect('envProcess' in spec({})).to.equal(false);
  });
});
