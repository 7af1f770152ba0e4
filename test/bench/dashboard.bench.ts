/**
 * The dashboard with much to show: 500 functions of one owner with an hour of samples each, 5,000 deployments in
 * 20 repos, a build log of 50,000 lines. Everything is real but the gateway: the embedded S3 store on disk,
 * list-functions, system-metrics, pipeline-log, the embedded query API, and Chromium where it is installed.
 *
 * Reference: the dashboard's cheapest answer (`me`), in the same run.
 *
 * Run: node --import tsx test/bench/dashboard.bench.ts
 */
import { cpus } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Agent } from 'undici';
import { createApiTokens } from '#shared/auth/api-tokens.ts';
import { createPeople } from '#shared/auth/people.ts';
import { createBuildLogs } from '#shared/build-log/build-logs.ts';
import { createGatewayClient } from '#shared/gateway/gateway-client.ts';
import { createLogger } from '#shared/log.ts';
import { identityHeader, signIdentity } from '#shared/messages/identity.ts';
import { signatureHeader } from '#shared/messages/signature.ts';
import { parseFunctionKey, parseRepoName } from '#shared/names.ts';
import { createAllowedAddresses } from '#shared/notifications/allowed-addresses.ts';
import { createDestinations } from '#shared/notifications/destinations.ts';
import { createNotices } from '#shared/notifications/notices.ts';
import { putJson } from '#shared/object-store/json.ts';
import { createS3ObjectStore } from '#shared/object-store/s3-object-store.ts';
import { createRecords, deploymentPrefix } from '#shared/pipeline/records.ts';
import { createPrometheusClient } from '#shared/prometheus/prometheus-client.ts';
import { createPublicUrls } from '#shared/public-urls.ts';
import { parseSite } from '#shared/router/site.ts';
import { createVault } from '#shared/vault.ts';
import { watchOf } from '../../functions/dashboard/api/events-api.ts';
import { createDashboard } from '../../functions/dashboard/dashboard.ts';
import { createDeploymentReader } from '../../functions/dashboard/deployment-reader.ts';
import { readPageFiles } from '../../functions/dashboard/page-files.ts';
import { answerList } from '../../functions/list-functions/answer-list.ts';
import { serveLog } from '../../functions/pipeline-log/serve-log.ts';
import { answerMetrics } from '../../functions/system-metrics/answer-metrics.ts';
import { createMetricsServer } from '../../local/metrics/metrics-server.ts';
import { createPrometheusApi } from '../../local/metrics/prometheus-api.ts';
import { createSampleHistory } from '../../local/metrics/sample-history.ts';
import { createS3Server } from '../../local/object-store/s3-server.ts';
import { startChromium } from '../helpers/chromium.ts';
import { httpGet } from '../helpers/http-get.ts';
import { listen } from '../helpers/listen.ts';
import { testFunction, testPush } from '../helpers/pipeline-fixtures.ts';
import { platformStack } from '../helpers/platform-environment.ts';
import { buildContext, layOutContext } from '../helpers/platform-function.ts';
import { get, testIdentity, testSigner } from '../helpers/signed-request.ts';
import { tempDir } from '../helpers/temp-dir.ts';

const functionCount = 500;
const deploymentCount = 5000;
const repoCount = 20;
const logLines = 50_000;
const rounds = 15;
const prettyUrl = 'http://user.localhost:8080/function';
const now = Date.now();

const folder = await tempDir();
const keys = { region: 'us-east-1', accessKey: 'a', secretKey: 'secret-key' };
const log = createLogger({}, () => undefined);
const s3 = await createS3Server({ ...keys, folder: join(folder.path, 's3'), log });
const store = createS3ObjectStore({ ...keys, endpoint: s3.url, bucket: 'pipeline' });
const records = createRecords(store);

const deployments = Array.from({ length: deploymentCount }, (_, index) =>
  testPush({
    repo: `repo-${index % repoCount}`,
    receivedAt: now - (deploymentCount - index) * 60_000,
    sha: index.toString(16).padStart(40, 'a'),
  }),
);
const fn = testFunction('hello');
let at = 0;
const filled = performance.now();
await Promise.all(
  Array.from({ length: 16 }, async () => {
    for (;;) {
      const push = deployments[at++];
      if (push === undefined) return;
      const done = push.receivedAt + 4000;
      const base = deploymentPrefix(push);
      const url = 'http://x.localhost/';
      await Promise.all([
        putJson(store, `${base}deployment.json`, push),
        records.recordPlan(push, { outcome: 'planned', functions: [fn], warnings: [], at: done }),
        records.recordDeploy(push, fn.key, { outcome: 'live', url, at: done }),
        records.close(push, { state: 'live', text: '1 function is live.', at: done }),
      ]);
    }
  }),
);
const newest = deployments.at(-1) ?? testPush();
const lines = Array.from(
  { length: logLines },
  (_, index) => `\u001b[32m#${index % 40}\u001b[0m ${index} step, and what it says of itself\n`,
).join('');
await createBuildLogs(store).add(
  { owner: newest.owner, repo: newest.repo, sha: newest.sha, function: fn.key },
  { run: 'one', seq: 0, text: lines, final: true },
);
console.log(
  `${cpus()[0]?.model}, Node ${process.version}. Filled in ${((performance.now() - filled) / 1000).toFixed(0)} s.`,
);

const functions = Array.from({ length: functionCount }, (_, index) => ({
  name: `alice-fn-${index}`,
  image: `registry.example/alice/repo-${index % repoCount}-fn-${index}:latest`,
  replicas: 1,
  availableReplicas: 1,
  invocationCount: 1,
  labels: {
    'com.openfaas.cloud.git-cloud': '1',
    'com.openfaas.cloud.git-owner': 'alice',
    'com.openfaas.cloud.git-scm': 'github',
    'com.openfaas.cloud.git-repo': `repo-${index % repoCount}`,
    'com.openfaas.cloud.git-branch': 'main',
    'com.openfaas.cloud.git-sha': 'a'.repeat(40),
    'com.openfaas.cloud.git-deploytime': '1700000000',
  },
  annotations: { 'com.openfaas.cloud.git-repo-url': 'https://github.com/Alice/hello' },
}));
const past = functions.flatMap(({ name }, index) =>
  ['200', '500'].map((code) => ({
    name: 'gateway_function_invocation_total',
    labels: { function_name: `${name}.openfaas-fn`, code },
    times: Array.from({ length: 240 }, (_, step) => now - (240 - step) * 15_000),
    values: Array.from({ length: 240 }, (_, step) => step * ((index % 7) + 1)),
  })),
);
const metrics = await createMetricsServer({
  render: () => '',
  api: createPrometheusApi(createSampleHistory(past, now), () => undefined),
});
const gateway = await listen(async (request, response) => {
  const [, name = '', path = '/'] = /^\/function\/([^/]+)(\/.*)?$/.exec(request.url ?? '') ?? [];
  if (name === '') {
    const wanted = /^\/system\/function\/([^/?]+)/.exec(request.url ?? '')?.[1];
    const one = functions.find((each) => each.name === wanted);
    return void response.end(JSON.stringify(one ?? functions));
  }
  const { headers } = request;
  request.url = path;
  const received = { ...get(path.split('?')[1] ?? ''), headers };
  const parts = { signer: testSigner, gateway: createGatewayClient({ url: gateway.url }) };
  if (name === 'list-functions') {
    return void response.end(JSON.stringify(await answerList(parts, received)));
  }
  if (name === 'system-metrics') {
    const prometheus = createPrometheusClient(metrics.url);
    const metering = { ...parts, prometheus, windowMs: 3_600_000, now: () => now };
    return void response.end(JSON.stringify(await answerMetrics(metering, received)));
  }
  const serving = { signer: testSigner, store, pollMs: 250, firstMs: 1000, maxFollowMs: 60_000 };
  await serveLog(serving, request, response, new AbortController().signal);
});
const context = join(folder.path, 'context');
const stack = platformStack();
const dashboardFunction = stack.functions.find(({ key }) => key === 'dashboard');
if (dashboardFunction === undefined) throw new Error('stack.yml has no dashboard.');
await layOutContext(stack, dashboardFunction, context);
await buildContext(dashboardFunction, context);
const client = createGatewayClient({ url: gateway.url });
const handler = createDashboard({
  signer: testSigner,
  gateway: client,
  gatewayUrl: gateway.url,
  dispatcher: new Agent(),
  store,
  records,
  watch: watchOf({ signer: testSigner, gateway: client, store, records }),
  readDeployment: createDeploymentReader(store),
  tokens: createApiTokens(store, createPeople(store)),
  acting: {
    records,
    messages: { ...noMessages() },
    claim: { leaseMs: 1000, maxAttempts: 1 },
    now: Date.now,
  },
  urls: createPublicUrls({ publicUrl: '', prettyUrl }),
  site: parseSite(prettyUrl),
  scms: [],
  notifications: {
    destinations: createDestinations(store, createVault({ current: 'x' })),
    notices: createNotices(store),
    allowed: createAllowedAddresses(),
  },
  ...readPageFiles(join(context, 'dist/static')),
});
/** The router's part: it says who is signed in. */
const dashboard = await listen((request, response) => {
  const { identity, signature } = signIdentity(
    testSigner,
    'dashboard',
    request.url ?? '',
    testIdentity({ login: 'alice', owners: ['alice'] }),
  );
  request.headers[identityHeader] = identity;
  request.headers[signatureHeader] = signature;
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  const given = { callId: 'c', signal: gone.signal, log, note: () => undefined };
  void handler(request, response, given);
});

const middle = deployments[Math.floor(deploymentCount / 2)] ?? newest;
const of = `owner=alice&repo=${newest.repo}&id=${newest.id}`;
const questions: Readonly<Record<string, string>> = {
  'me (reference)': 'me',
  '500 functions': 'functions?owner=alice',
  'one function': 'function-traffic?owner=alice&function=fn-1',
  'newest of 5,000 deployments': 'deployments?owner=alice',
  'a page in the middle of them': `deployments?owner=alice&before=${middle.id}`,
  'those of one repo': `deployments?owner=alice&repo=repo-1`,
  'one deployment': `deployment?${of}`,
  '50,000 lines of log': `build-log?${of}&function=${parseFunctionKey('hello')}`,
};
let reference = 0;
for (const [title, question] of Object.entries(questions)) {
  const url = `${dashboard.url}/dashboard/api/${question}`;
  const first = await httpGet(url);
  if (first.status !== 200) throw new Error(`${title}: ${first.status} ${first.text}`);
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const begun = performance.now();
    await httpGet(url);
    times.push(performance.now() - begun);
  }
  times.sort((a, b) => a - b);
  const median = times[Math.floor(rounds / 2)] ?? 0;
  if (reference === 0) reference = median;
  const kilobytes = Buffer.byteLength(first.text) / 1024;
  console.log(
    `${title.padEnd(30)} median ${median.toFixed(1).padStart(7)} ms, ${(median / reference).toFixed(1).padStart(6)} × me, ` +
      `slowest ${(times.at(-1) ?? 0).toFixed(1)} ms, ${kilobytes.toFixed(0)} KB (${(gzipSync(first.text).length / 1024).toFixed(0)} gzip)`,
  );
}

const browser = await startChromium().catch(() => undefined);
if (browser === undefined) console.log('Chromium is not installed: no pages.');
else {
  const pages: Readonly<Record<string, [path: string, ready: string]>> = {
    'page of 500 functions': ['/dashboard/alice', 'text=fn-499'],
    'page of deployments': ['/dashboard/alice/deployments', `text=${newest.sha.slice(0, 7)}`],
    'page with 50,000 lines of log': [
      `/dashboard/alice/deployments/${parseRepoName(newest.repo)}/${newest.id}`,
      `text=${logLines - 1} step`,
    ],
  };
  for (const [title, [path, ready]] of Object.entries(pages)) {
    const page = await browser.newPage();
    const begun = performance.now();
    await page.goto(dashboard.url + path);
    const shown = await page.waitForSelector(ready, { timeout: 30_000, state: 'attached' }).then(
      () => 'there',
      () => 'NOT there',
    );
    const ms = performance.now() - begun;
    const nodes = await page.evaluate('document.querySelectorAll("*").length');
    console.log(`${title.padEnd(30)} ${shown} after ${ms.toFixed(0)} ms, ${nodes} elements`);
    await page.close();
  }
  await browser.close();
}
await dashboard.close();
await gateway.close();
await metrics.close();
await s3.close();
await folder.remove();
process.exit();

/** Nothing is acted on here. */
function noMessages() {
  const none = async () => undefined;
  return {
    ...{ pushed: none, plan: none, build: none, advance: none, status: none, audit: none },
    ...{ collectGarbage: none, pruneSecrets: none, deliverNotices: none },
  };
}
