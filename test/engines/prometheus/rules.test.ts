import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { stringify } from 'yaml';
import { describeWith } from '../../helpers/needs-part.ts';
import { root } from '../../helpers/source-files.ts';
import { tempDir } from '../../helpers/temp-dir.ts';

const promtool = (...args: string[]) => promisify(execFile)('promtool', args);
const rules = join(root, 'deploy/prometheus/rules.yml');

/** Whether an alert fires at a minute, with these series; one value a minute. */
function firing(alert: string, at: string, series: Record<string, string>, fires: boolean) {
  const samples = fires ? [{ labels: '{}', value: 1 }] : [];
  return {
    interval: '1m',
    input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
    promql_expr_test: [
      {
        expr: `count(ALERTS{alertname="${alert}",alertstate="firing"})`,
        eval_time: at,
        exp_samples: samples,
      },
    ],
  };
}

const age = 'ofc_oldest_open_deployment_seconds';
const sweeps = { 'ofc_step_total{step="garbage-collect",outcome="done"}': '0+1x60' };
const failed = 'ofc_deployments_total{state="failed"}';
const live = 'ofc_deployments_total{state="live"}';
const failing = (count: string) => `ofc_step_total{step="git-tar",outcome="${count}"}`;
const wait = (le: string) => `ofc_step_queue_wait_seconds_bucket{step="of-builder",le="${le}"}`;

describeWith(['prometheus'], "the platform's alerts, by promtool", function () {
  this.timeout(60_000);

  it('are rules that Prometheus takes', async () => {
    const { stdout } = await promtool('check', 'rules', rules);
    expect(stdout).to.match(/SUCCESS: 6 rules found/);
    await promtool(
      'check',
      'config',
      '--syntax-only',
      join(root, 'deploy/prometheus/scrape-local.yml'),
    );
  });

  it('fire when they should, and not otherwise', async () => {
    const folder = await tempDir();
    const cases = [
      firing('DeploymentStuck', '20m', { [age]: '2000+60x30' }, true),
      firing('DeploymentStuck', '20m', { [age]: '0+60x30' }, false),
      firing('SweeperSilent', '40m', sweeps, false),
      firing('DeploymentsFail', '50m', { [failed]: '0+1x60', [live]: '0+0x60' }, true),
      firing('DeploymentsFail', '50m', { [failed]: '0+1x60', [live]: '0+2x60' }, false),
      firing(
        'StepFails',
        '30m',
        { [failing('failed')]: '0+1x60', [failing('done')]: '0+4x60' },
        true,
      ),
      firing(
        'StepFails',
        '30m',
        { [failing('failed')]: '0+0x60', [failing('done')]: '0+4x60' },
        false,
      ),
      firing(
        'QueueAge',
        '30m',
        { [wait('60')]: '0+0x60', [wait('300')]: '0+5x60', [wait('+Inf')]: '0+5x60' },
        true,
      ),
      firing(
        'QueueAge',
        '30m',
        { [wait('60')]: '0+5x60', [wait('300')]: '0+5x60', [wait('+Inf')]: '0+5x60' },
        false,
      ),
    ];
    const silent = firing(
      'SweeperSilent',
      '40m',
      { 'ofc_step_total{step="garbage-collect",outcome="done"}': '5+0x60' },
      true,
    );
    try {
      const file = join(folder.path, 'rules.test.yml');
      const tests = [...cases, silent];
      await writeFile(file, stringify({ rule_files: [rules], evaluation_interval: '1m', tests }));
      const { stdout } = await promtool('test', 'rules', file).catch(
        (error: { stdout?: string }) => ({
          stdout: String(error.stdout),
        }),
      );
      expect(stdout).to.include('SUCCESS');
    } finally {
      await folder.remove();
    }
  });
});
