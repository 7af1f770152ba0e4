import { expect } from 'chai';
import { parseFunctionKey, parseOwner, secretName, serviceName } from '#shared/names.ts';
import { createPrometheusClient } from '#shared/prometheus/prometheus-client.ts';
import { parseImageReference } from '#shared/registry/image-reference.ts';
import { parseProjectPath } from '#shared/scm/gitlab/project-path.ts';
import { functionTotals, metricNames } from '../../functions/system-metrics/function-metrics.ts';
import { parseMetricsQuery } from '../../functions/system-metrics/metrics-query.ts';
import { expectCode } from '../helpers/expect-code.ts';
import { listen } from '../helpers/listen.ts';

/** Test vectors of the Go original that no suite of a module has, and where we deviate, why. */
describe('vectors of the original', () => {
  const hour = 3_600_000;

  it('names functions <owner>-<function>, the owner in lower case', () => {
    const owner = parseOwner('ExampleName');
    expect(serviceName(owner, parseFunctionKey('examplefunction'))).to.equal(
      'examplename-examplefunction',
    );
    expect(secretName(parseOwner('AlexEllis'), 's1')).to.equal('alexellis-s1');
  });

  it('refuses upper case in a function: the original deployed names that Kubernetes refuses', async () => {
    await expectCode(async () => parseFunctionKey('ExampleFunction'), 'OFC_NAME_INVALID');
  });

  const repositories = {
    'docker.io/alexellis/fn:latest': 'alexellis/fn',
    'docker.io/ofcommunity/alexellis-double-espresso-mug:0.3-master-439d4aa':
      'ofcommunity/alexellis-double-espresso-mug',
    '1238475.dkr.ecr.eu-central-1.amazonaws.com/ofbuilder/go-for-it': 'ofbuilder/go-for-it',
  };
  for (const [image, repository] of Object.entries(repositories)) {
    it(`registers ${image} as ${repository}`, () => {
      expect(parseImageReference(image).repository).to.equal(repository);
    });
  }

  it('refuses upper case in an image: the original changed it in silence', async () => {
    const image = '1238475.dkr.ecr.eu-central-1.amazonaws.com/ofbuilder/go-for-IT';
    await expectCode(async () => parseImageReference(image), 'OFC_NAME_INVALID');
  });

  it('takes the first part of a GitLab path for the owner, and refuses what is none', async () => {
    expect(parseProjectPath('exampleusername/exampleproject')).to.include({
      owner: 'exampleusername',
      repo: 'exampleproject',
    });
    for (const path of ['exampleusername:exampleproject', '']) {
      await expectCode(async () => parseProjectPath(path), 'OFC_BAD_REQUEST');
    }
  });

  it('reads function, namespace and window of a question about metrics', () => {
    const read = (query: string) => parseMetricsQuery(new URLSearchParams(query), hour);
    expect(read('function=alexellis-hooks')).to.include({ service: 'alexellis-hooks' });
    expect(read('function=alexellis-hooks.dev')).to.include({ service: 'alexellis-hooks.dev' });
    expect(read('function=f')).to.include({ windowMs: hour });
    expect(read('function=f&metrics_window=61h')).to.include({ windowMs: 61 * hour });
    expect(metricNames({ name: 'alexellis-hooks', namespace: 'dev' })).to.include(
      'alexellis-hooks.dev',
    );
  });

  it('counts 200 and 301 as success, 400 and 500 as failure, whole numbers each', async () => {
    const counts = { '200': 6.0068, '301': 2.0068, '500': 5.0057, '400': 1.0057 };
    const result = Object.entries(counts).map(([code, value]) => ({
      metric: { function_name: 'alexellis-hooks.openfaas-fn', code },
      value: [0, String(value)],
    }));
    const server = await listen((_request, response) => {
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify({ status: 'success', data: { resultType: 'vector', result } }));
    });
    const status = { image: 'x', invocationCount: 0, replicas: 1, availableReplicas: 1 };
    const fn = { name: 'alexellis-hooks', ...status };
    const totals = await functionTotals(createPrometheusClient(server.url), [fn], hour);
    await server.close();
    expect(totals.get('alexellis-hooks')).to.deep.equal({ success: 8, failure: 6 });
  });
});
