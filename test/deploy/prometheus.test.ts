import { expect } from 'chai';
import * as v from 'valibot';
import { parse } from 'yaml';
import { countingVerdicts, showOpenDeployments } from '#shared/observe/deployment-metrics.ts';
import { createStepMetrics } from '#shared/observe/step-metrics.ts';
import { createRecords } from '#shared/pipeline/records.ts';
import { createRouterMetrics } from '../../functions/of-router/metrics.ts';
import { createGatewayMetrics } from '../../local/metrics/gateway-metrics.ts';
import { createMetrics } from '../../template/node-ts/runtime/metrics.ts';
import { createMemoryObjectStore } from '../helpers/memory-object-store.ts';
import { readSource } from '../helpers/source-files.ts';

const rulesSchema = v.object({
  groups: v.array(v.object({ rules: v.array(v.object({ alert: v.string(), expr: v.string() })) })),
});
const dashboardSchema = v.object({
  panels: v.array(
    v.object({
      id: v.number(),
      title: v.string(),
      gridPos: v.object({ x: v.number(), y: v.number(), w: v.number(), h: v.number() }),
      targets: v.array(v.object({ expr: v.string(), legendFormat: v.string() })),
    }),
  ),
});

/** The names of all series that the code makes. */
async function namesInCode(): Promise<Set<string>> {
  const step = createStepMetrics('x');
  countingVerdicts(createRecords(createMemoryObjectStore()), step.registry);
  showOpenDeployments(step.registry);
  const text = [
    step.render(),
    await createRouterMetrics().render(),
    createGatewayMetrics().render(),
    createMetrics().render(0),
  ].join('\n');
  const types = [...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)];
  return new Set(
    types.flatMap(([, name = '', type]) =>
      type === 'histogram' ? ['_bucket', '_sum', '_count'].map((end) => name + end) : [name],
    ),
  );
}

const namesIn = (text: string) =>
  [...text.matchAll(/\b(?:ofc|gateway|http)_\w+/g)].map(([name]) => name);

describe('deploy/prometheus', () => {
  const { groups } = v.parse(rulesSchema, parse(readSource('deploy/prometheus/rules.yml')));
  const { panels } = v.parse(
    dashboardSchema,
    JSON.parse(readSource('deploy/prometheus/grafana-dashboard.json')),
  );
  const rules = groups.flatMap((group) => group.rules);
  const queries = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));

  it('asks for series that the code makes', async () => {
    const known = await namesInCode();
    expect(known).to.include.all.keys('ofc_step_total', 'ofc_step_duration_seconds_bucket');
    for (const expr of [...rules.map((rule) => rule.expr), ...queries]) {
      const names = namesIn(expr);
      expect(names, expr).to.have.length.above(0);
      expect(
        names.filter((name) => !known.has(name)),
        expr,
      ).to.deep.equal([]);
    }
  });

  it('documents every series of the platform that it uses', () => {
    const readme = readSource('deploy/prometheus/README.md');
    const documented = new Set(namesIn(readme));
    const used = [...rules.map((rule) => rule.expr), ...queries].flatMap(namesIn);
    const unknown = used
      .map((name) => name.replace(/_(?:bucket|sum|count)$/, ''))
      .filter((name) => !documented.has(name) && !/^(?:gateway_|ofc_router_)/.test(name));
    expect(unknown).to.deep.equal([]);
  });

  it('alerts of what is stuck, of failures, and of the age of the queue', () => {
    const names = rules.map(({ alert }) => alert);
    expect(names).to.include.members(['DeploymentStuck', 'DeploymentsFail', 'QueueAge']);
    expect(new Set(names).size).to.equal(names.length);
  });

  it('has panels that do not overlap', () => {
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)} ${y + Math.floor(cell / w)}`),
    );
    expect(new Set(cells).size).to.equal(cells.length);
    expect(panels.every(({ gridPos: { x, w } }) => x + w <= 24)).to.equal(true);
    expect(new Set(panels.map(({ id }) => id)).size).to.equal(panels.length);
  });
});
