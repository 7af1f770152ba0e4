import { join } from 'node:path';
import { Agent } from 'undici';
import { createApiTokens } from '#shared/auth/api-tokens.ts';
import { createPeople } from '#shared/auth/people.ts';
import { createGatewayClient } from '#shared/gateway/gateway-client.ts';
import { createLogger } from '#shared/log.ts';
import { identityHeader, signIdentity } from '#shared/messages/identity.ts';
import { signatureHeader } from '#shared/messages/signature.ts';
import { createAllowedAddresses } from '#shared/notifications/allowed-addresses.ts';
import { createDestinations } from '#shared/notifications/destinations.ts';
import { createNotices } from '#shared/notifications/notices.ts';
import { createS3ObjectStore } from '#shared/object-store/s3-object-store.ts';
import type { Deployment } from '#shared/pipeline/deployment.ts';
import { createRecords } from '#shared/pipeline/records.ts';
import { createPrometheusClient } from '#shared/prometheus/prometheus-client.ts';
import { createPublicUrls } from '#shared/public-urls.ts';
import { parseSite } from '#shared/router/site.ts';
import { createVault } from '#shared/vault.ts';
import { watchOf } from '../../../functions/dashboard/api/events-api.ts';
import { createDashboard } from '../../../functions/dashboard/dashboard.ts';
import { createDeploymentReader } from '../../../functions/dashboard/deployment-reader.ts';
import { createRowReader } from '../../../functions/dashboard/deployment-rows.ts';
import { readPageFiles } from '../../../functions/dashboard/page-files.ts';
import { answerList } from '../../../functions/list-functions/answer-list.ts';
import { serveLog } from '../../../functions/pipeline-log/serve-log.ts';
import { answerMetrics } from '../../../functions/system-metrics/answer-metrics.ts';
import { createMetricsServer } from '../../../local/metrics/metrics-server.ts';
import { createPrometheusApi } from '../../../local/metrics/prometheus-api.ts';
import { createSampleHistory } from '../../../local/metrics/sample-history.ts';
import { createS3Server } from '../../../local/object-store/s3-server.ts';
import { listen } from '../../helpers/listen.ts';
import { platformStack } from '../../helpers/platform-environment.ts';
import { buildContext, layOutContext } from '../../helpers/platform-function.ts';
import { createRecordingMessages } from '../../helpers/recording-messages.ts';
import { get, testIdentity, testSigner } from '../../helpers/signed-request.ts';
import { amounts } from './past.ts';

const prettyUrl = 'http://user.localhost:8080/function';
const signer = testSigner;

/**
 * The dashboard and all that it asks, but for the gateway, which knows 500 functions: the embedded S3
 * store, list-functions, system-metrics, pipeline-log, the embedded query API.
 *
 * @param folder Where the store of `fillStore` lies in `s3`.
 * @param deployments Oldest first.
 */
export async function startPlatform(
  folder: string,
  deployments: readonly Deployment[],
  now: number,
) {
  const keys = { region: 'us-east-1', accessKey: 'a', secretKey: 'secret-key' };
  const log = createLogger({}, () => undefined);
  const s3 = await createS3Server({ ...keys, folder: join(folder, 's3'), log });
  const store = createS3ObjectStore({ ...keys, endpoint: s3.url, bucket: 'pipeline' });
  const records = createRecords(store);
  const functions = functionsOf(deployments);
  const past = functions.flatMap(({ name }, index) => samplesOf(name, index, now));
  const metrics = await createMetricsServer({
    render: () => '',
    api: createPrometheusApi(createSampleHistory(past, now), () => undefined),
  });
  const prometheus = createPrometheusClient(metrics.url);
  const gateway = await listen(async (request, response) => {
    const { url = '', headers } = request;
    const [, name, path = '/'] = /^\/function\/([^/]+)(\/.*)?$/.exec(url) ?? [];
    if (name === undefined) {
      const wanted = /^\/system\/function\/([^/?]+)/.exec(url)?.[1];
      const one = functions.find((each) => each.name === wanted);
      return void response.end(JSON.stringify(one ?? functions));
    }
    request.url = path;
    const received = { ...get(path.split('?')[1] ?? ''), headers };
    if (name === 'list-functions') {
      return void response.end(
        JSON.stringify(await answerList({ signer, gateway: client }, received)),
      );
    }
    if (name === 'system-metrics') {
      const metering = { signer, gateway: client, prometheus, windowMs: 3_600_000, now: () => now };
      return void response.end(JSON.stringify(await answerMetrics(metering, received)));
    }
    if (name !== 'pipeline-log') return void response.writeHead(404).end();
    const serving = { signer, store, pollMs: 250, firstMs: 1000, maxFollowMs: 60_000 };
    await serveLog(serving, request, response, new AbortController().signal);
  });
  const client = createGatewayClient({ url: gateway.url });
  const messages = createRecordingMessages();
  const handler = createDashboard({
    ...{ signer, gateway: client, gatewayUrl: gateway.url, dispatcher: new Agent() },
    ...{ store, records, readDeployment: createDeploymentReader(store), scms: [] },
    readRow: createRowReader(records),
    watch: watchOf({ signer, gateway: client, store, records }),
    tokens: createApiTokens(store, createPeople(store)),
    acting: { records, messages, claim: { leaseMs: 1000, maxAttempts: 1 }, now: Date.now },
    urls: createPublicUrls({ publicUrl: '', prettyUrl }),
    site: parseSite(prettyUrl),
    notifications: {
      destinations: createDestinations(store, createVault({ current: 'x' })),
      notices: createNotices(store),
      allowed: createAllowedAddresses(),
    },
    ...readPageFiles(await bundlePage(folder)),
  });
  /** The router's part: it says who is signed in. */
  const dashboard = await listen((request, response) => {
    const alice = testIdentity({ login: 'alice', owners: ['alice'] });
    const signed = signIdentity(signer, 'dashboard', request.url ?? '', alice);
    request.headers[identityHeader] = signed.identity;
    request.headers[signatureHeader] = signed.signature;
    const gone = new AbortController();
    response.on('close', () => gone.abort());
    void handler(request, response, {
      ...{ callId: 'c', signal: gone.signal, log, note: () => undefined },
    });
  });
  return {
    url: dashboard.url,
    async close() {
      for (const server of [dashboard, gateway, metrics, s3]) await server.close();
    },
  };
}

/** Bundles the page as the function's build does, and gives the folder of its files. */
async function bundlePage(folder: string): Promise<string> {
  const context = join(folder, 'context');
  const stack = platformStack();
  const fn = stack.functions.find(({ key }) => key === 'dashboard');
  if (fn === undefined) throw new Error('stack.yml has no dashboard.');
  await layOutContext(stack, fn, context);
  await buildContext(fn, context);
  return join(context, 'dist/static');
}

function functionsOf(deployments: readonly Deployment[]) {
  const newest = deployments.slice(-amounts.repos);
  return Array.from({ length: amounts.functions }, (_, index) => {
    const { repo, id, sha } = newest[index % newest.length] ?? { repo: '', id: '', sha: '' };
    return {
      name: `alice-fn-${index}`,
      image: `registry.example/alice/${repo}-fn-${index}:latest`,
      ...{ replicas: 1, availableReplicas: 1, invocationCount: 1 },
      labels: {
        'com.openfaas.cloud.git-cloud': '1',
        'com.openfaas.cloud.git-owner': 'alice',
        'com.openfaas.cloud.git-scm': 'github',
        'com.openfaas.cloud.git-repo': repo,
        'com.openfaas.cloud.git-branch': 'main',
        'com.openfaas.cloud.git-sha': sha,
        'com.openfaas.cloud.git-deploytime': String(1_700_000_000 - index),
        'com.openfaas.cloud.deployment': id,
      },
      annotations: { 'com.openfaas.cloud.git-repo-url': 'https://github.com/Alice/hello' },
    };
  });
}

/** An hour of a function's counters, every 15 seconds: its own, and each name's. */
function samplesOf(name: string, index: number, now: number) {
  const times = Array.from({ length: 240 }, (_, step) => now - (240 - step) * 15_000);
  const grow = (by: number) => times.map((_, step) => Math.floor(step * by));
  return ['200', '500'].map((code) => ({
    name: 'gateway_function_invocation_total',
    labels: { function_name: `${name}.openfaas-fn`, code },
    times: [...times],
    values: grow(code === '200' ? (index % 7) + 1 : (index % 5) / 10),
  }));
}
