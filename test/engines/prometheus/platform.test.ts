import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { createSigner, signatureHeader } from '#shared/messages/signature.ts';
import { createPrometheusClient } from '#shared/prometheus/prometheus-client.ts';
import { answering, deploymentsOn, stackFile } from '../../helpers/deployments.ts';
import { eventually } from '../../helpers/eventually.ts';
import { httpGet } from '../../helpers/http-get.ts';
import { describeWith } from '../../helpers/needs-part.ts';
import {
  type PlatformProcess,
  secretOf,
  startPlatformProcess,
} from '../../helpers/platform-process.ts';
import { startPrometheus, type TestPrometheus } from '../../helpers/prometheus.ts';
import { tempDir } from '../../helpers/temp-dir.ts';

describeWith(['prometheus'], 'npm start with the real Prometheus', function () {
  this.timeout(240_000);
  let folder: Awaited<ReturnType<typeof tempDir>>;
  let prometheus: TestPrometheus;
  let platform: PlatformProcess;
  const on = deploymentsOn(() => platform);

  before(async () => {
    folder = await tempDir();
    // The platform's metrics port is known once it runs.
    const targets = join(folder.path, 'gateway.json');
    await writeFile(targets, '[]');
    const found = join(folder.path, 'sd.json');
    await writeFile(found, '[]');
    prometheus = await startPrometheus(folder.path, [
      { job_name: 'gateway', file_sd_configs: [{ files: [targets], refresh_interval: '1s' }] },
      { job_name: 'openfaas-cloud', file_sd_configs: [{ files: [found], refresh_interval: '1s' }] },
    ]);
    const data = join(folder.path, 'data');
    platform = await startPlatformProcess(data, ['--port', '0', '--prometheus', prometheus.url]);
    const metrics = `127.0.0.1:${(await readFile(join(data, 'metrics-port'), 'utf8')).trim()}`;
    await writeFile(targets, JSON.stringify([{ targets: [metrics] }]));
    const repo = await on.repo('alice', 'counted');
    const sha = await on.push(repo, {
      'stack.yml': stackFile('counted'),
      'counted/handler.ts': answering('counted'),
    });
    await on.completed('alice', 'counted', sha);
    await repo.remove();
    // What `/sd` says is what Prometheus reads from files, too.
    await writeFile(found, (await httpGet(`http://${metrics}/sd`)).text);
  });
  after(async () => {
    await platform?.stop();
    await prometheus?.stop();
    await folder?.remove();
  });

  it('answers with numbers of Prometheus, and says so', async () => {
    const signer = createSigner({ current: await secretOf(platform, 'payload-secret') });
    const path = '/?function=alice-counted&metrics_window=5m&detail=1';
    await eventually(
      async () => {
        expect((await on.call('alice', '/counted')).text).to.equal('counted');
        const parts = { receiver: 'system-metrics', method: 'GET', path, body: '' };
        const answer = await httpGet(
          `http://127.0.0.1:${platform.port}/function/system-metrics${path}`,
          { [signatureHeader]: signer.sign(parts) },
        );
        expect(answer.status, answer.text).to.equal(200);
        const detail = JSON.parse(answer.text) as { source: string; success: number };
        expect(detail.source).to.match(/^Prometheus \d+\./);
        expect(detail.success).to.be.above(0);
      },
      { timeoutMs: 60_000, everyMs: 500 },
    );
  });

  it("lets it read the steps' own metrics", async () => {
    const client = createPrometheusClient(prometheus.url);
    await eventually(
      async () => {
        const found = await client.query('sum by (faas_function) (ofc_step_total{outcome="done"})');
        const steps = new Map(found.map(({ labels, value }) => [labels['faas_function'], value]));
        for (const step of ['github-push', 'git-tar', 'of-builder', 'github-status']) {
          expect(steps.get(step), step).to.be.above(0);
        }
      },
      { timeoutMs: 60_000, everyMs: 500 },
    );
  });
});
