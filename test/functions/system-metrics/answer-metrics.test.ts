import { expect } from 'chai';
import type { FunctionStatus } from '#shared/gateway/function-status.ts';
import { createPrometheusClient } from '#shared/prometheus/prometheus-client.ts';
import {
  answerMetrics,
  type Metering,
  type OwnerMetrics,
} from '../../../functions/system-metrics/answer-metrics.ts';
import type { FunctionDetail } from '../../../functions/system-metrics/function-metrics.ts';
import {
  createGatewayMetrics,
  type GatewayMetrics,
} from '../../../local/metrics/gateway-metrics.ts';
import { createMetricsServer } from '../../../local/metrics/metrics-server.ts';
import { createPrometheusApi } from '../../../local/metrics/prometheus-api.ts';
import { createSampleHistory } from '../../../local/metrics/sample-history.ts';
import { expectCode } from '../../helpers/expect-code.ts';
import { get, signedGet, testSigner, visitorGet } from '../../helpers/signed-request.ts';

const receiver = 'system-metrics';
const fn = (name: string, owner?: string, scm = 'github'): FunctionStatus => ({
  name,
  image: 'x',
  invocationCount: 0,
  replicas: 1,
  availableReplicas: 1,
  ...(owner === undefined
    ? {}
    : {
        labels: {
          'com.openfaas.cloud.git-cloud': '1',
          'com.openfaas.cloud.git-owner': owner,
          'com.openfaas.cloud.git-scm': scm,
        },
      }),
});
const functions = [
  fn('alice-hello', 'alice'),
  fn('alice-idle', 'alice'),
  fn('bob-hello', 'bob'),
  fn('carol-hello', 'carol', 'gitlab'),
  fn('git-tar'),
];

describe('system-metrics', () => {
  let metrics: GatewayMetrics;
  let deps: Metering;
  let close: () => Promise<void>;

  beforeEach(async () => {
    metrics = createGatewayMetrics();
    const history = createSampleHistory([], Date.now());
    const refresh = () => history.record(metrics.samples(), Date.now());
    const server = await createMetricsServer({
      render: metrics.render,
      api: createPrometheusApi(history, refresh),
    });
    close = server.close;
    deps = {
      signer: testSigner,
      gateway: {
        list: async () => functions,
        get: async (name) => functions.find((each) => each.name === name),
      },
      prometheus: createPrometheusClient(server.url),
      windowMs: 3_600_000,
      now: Date.now,
    };
  });
  afterEach(() => close());

  const calls = (name: string, ...codes: number[]) => {
    for (const code of codes) metrics.started(name)(code);
  };

  it('counts 200 to 399 as success and the rest as failure, as the original does', async () => {
    calls('alice-hello.openfaas-fn', 200, 204, 302, 399, 400, 404, 500, 502);
    calls('alice-idle.openfaas-fn', 200);
    const answer = await answerMetrics(deps, signedGet(receiver, 'function=alice-hello'));
    expect(answer).to.deep.equal({ success: 4, failure: 4 });
    const named = signedGet(receiver, 'function=alice-hello.openfaas-fn&metrics_window=10m');
    expect(await answerMetrics(deps, named)).to.deep.equal({ success: 4, failure: 4 });
  });

  it('has zeros for a function that nobody called', async () => {
    const answer = await answerMetrics(deps, signedGet(receiver, 'function=alice-idle'));
    expect(answer).to.deep.equal({ success: 0, failure: 0 });
  });

  it('gives series and latencies of one function', async () => {
    calls('alice-hello.openfaas-fn', 200, 200, 500);
    const detail = (await answerMetrics(
      deps,
      visitorGet(receiver, 'function=alice-hello&detail=1&metrics_window=1h', ['alice']),
    )) as FunctionDetail;
    expect([
      detail.success,
      detail.failure,
      detail.windowSeconds,
      detail.stepSeconds,
    ]).to.deep.equal([2, 1, 3600, 60]);
    expect(detail.series.times).to.have.length(60);
    expect(detail.series.times.at(-1)).to.be.at.least(Date.now() / 1000 - 1);
    for (const values of [detail.series.success, detail.series.p99]) {
      expect(values).to.have.length(60);
    }
    const sum = (values: readonly number[]) => values.reduce((all, value) => all + value, 0);
    expect([sum(detail.series.success), sum(detail.series.failure)]).to.deep.equal([2, 1]);
    expect(detail.latency.p50).to.be.within(0, 0.1);
    expect(detail.latency.p99).to.be.at.least(detail.latency.p50 ?? 1);
    const idle = (await answerMetrics(
      deps,
      signedGet(receiver, 'function=alice-idle&detail=1'),
    )) as FunctionDetail;
    expect(idle.latency).to.deep.equal({ p50: null, p95: null, p99: null });
    expect(JSON.parse(JSON.stringify(idle)).series.p50).to.deep.equal(Array(60).fill(null));
  });

  it('counts all functions of an owner at once', async () => {
    calls('alice-hello.openfaas-fn', 200, 500);
    calls('bob-hello.openfaas-fn', 200);
    const plain = await answerMetrics(deps, visitorGet(receiver, 'user=alice', ['alice']));
    expect(plain).to.deep.equal({
      windowSeconds: 3600,
      functions: {
        'alice-hello': { success: 1, failure: 1 },
        'alice-idle': { success: 0, failure: 0 },
      },
    });
    const detail = await answerMetrics(deps, signedGet(receiver, 'user=alice&detail=1'));
    const { functions: found } = detail as OwnerMetrics;
    expect(found['alice-hello']?.series?.success.at(-1)).to.equal(1);
    expect(found['alice-idle']?.series?.success.every((value) => value === 0)).to.equal(true);
    expect(await answerMetrics(deps, signedGet(receiver, 'user=nobody'))).to.deep.equal({
      windowSeconds: 3600,
      functions: {},
    });
  });

  it('shows nobody what belongs to others, or whether it exists', async () => {
    const ask = (query: string, owners: string[]) =>
      answerMetrics(deps, visitorGet(receiver, query, owners));
    for (const name of ['bob-hello', 'git-tar', 'no-such', 'alice-hello.elsewhere']) {
      const { message } = await expectCode(ask(`function=${name}`, ['alice']), 'OFC_NOT_FOUND');
      expect(message).to.equal('There is no such function.');
    }
    await expectCode(ask('user=bob', ['alice']), 'OFC_FORBIDDEN');
    // Signed in at GitHub as carol, who has functions at GitLab.
    await expectCode(ask('user=carol', ['carol']), 'OFC_FORBIDDEN');
    await expectCode(ask('function=carol-hello', ['carol']), 'OFC_NOT_FOUND');
    await expectCode(answerMetrics(deps, get('function=alice-hello')), 'OFC_UNAUTHENTICATED');
    await expectCode(answerMetrics(deps, signedGet('echo', 'user=alice')), 'OFC_UNAUTHENTICATED');
  });

  it('takes no PromQL', async () => {
    const evil = encodeURIComponent('alice-hello"}[1h])) or sum(up{a="');
    await expectCode(
      answerMetrics(deps, signedGet(receiver, `function=${evil}`)),
      'OFC_NAME_INVALID',
    );
    for (const window of ['1s', '1000h', '1h])) or vector(1', '5', '-1m']) {
      const query = `function=alice-hello&metrics_window=${encodeURIComponent(window)}`;
      await expectCode(answerMetrics(deps, signedGet(receiver, query)), 'OFC_BAD_REQUEST');
    }
    for (const query of ['', 'function=a&user=b', 'function=a&function=b']) {
      await expectCode(answerMetrics(deps, signedGet(receiver, query)), 'OFC_BAD_REQUEST');
    }
    const post = { ...signedGet(receiver, 'user=alice'), method: 'POST' };
    await expectCode(answerMetrics(deps, post), 'OFC_METHOD');
  });

  it('says when Prometheus does not answer', async () => {
    await close();
    await expectCode(
      answerMetrics(deps, signedGet(receiver, 'function=alice-hello')),
      'OFC_UPSTREAM',
    );
    close = async () => undefined;
  });
});
