import { expect } from 'chai';
import fc from 'fast-check';
import { cloudLabel } from '#shared/pipeline/labels.ts';
import { type Fault, leaseMs, type ModelPush, type Sabotage, World } from './pipeline/world.ts';

const keys = ['a', 'b', 'c'];
const push: fc.Arbitrary<ModelPush> = fc.record({
  functions: fc.subarray(keys, { minLength: 1 }),
  planFails: fc
    .boolean()
    .map((no) => !no)
    .chain((fails) => (fails ? fc.boolean() : fc.constant(false))),
  unbuildable: fc.oneof(
    { weight: 3, arbitrary: fc.constant([]) },
    fc.subarray(keys, { maxLength: 1 }),
  ),
  unready: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.subarray(keys, { maxLength: 1 })),
});
const fault: fc.Arbitrary<Fault | undefined> = fc.option(
  fc.record({ at: fc.integer({ min: 1, max: 40 }), after: fc.boolean(), crash: fc.boolean() }),
  { nil: undefined },
);
const pick = fc.nat(20);
const keep = fc.nat(4).map((number) => number === 0);
const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant('deliver' as const), pick, fault, keep }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('together' as const),
      picks: fc.tuple(pick, pick),
      order: fc.array(fc.nat(1), { minLength: 1, maxLength: 30 }),
      keep,
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('push' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('drop' as const), pick }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('refuse' as const), pick }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('tick' as const), ms: fc.nat(2 * leaseMs) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('sweep' as const), fault }) },
);
const scenario = fc.record({
  pushes: fc.array(push, { minLength: 1, maxLength: 4 }),
  /** Webhooks of neighbours can change places. */
  swap: fc.boolean(),
  steps: fc.array(step, { maxLength: 60, size: 'medium' }),
});
type Scenario = typeof scenario extends fc.Arbitrary<infer T> ? T : never;

/** The order in which the webhooks come: neighbours change places, or not. */
function arrivals(count: number, swap: boolean): number[] {
  const order = Array.from({ length: count }, (_, index) => index);
  if (!swap) return order;
  return order.map((index) => {
    const partner = index % 2 === 0 ? index + 1 : index - 1;
    return partner < count ? partner : index;
  });
}

/** Runs a scenario to its end and gives what was wrong with it. */
async function violationsOf(
  { pushes, swap, steps }: Scenario,
  sabotage: Sabotage,
): Promise<string[]> {
  const world = new World(pushes, sabotage);
  const waiting = arrivals(pushes.length, swap);
  const pushNext = () => {
    const next = waiting.shift();
    if (next !== undefined) world.push(next);
  };
  pushNext();
  for (const it of steps) {
    if (it.do === 'deliver') await world.deliver(it.pick, it.fault, it.keep);
    else if (it.do === 'together') await world.deliverTogether(it.picks, it.order, it.keep);
    else if (it.do === 'push') pushNext();
    else if (it.do === 'drop') world.drop(it.pick);
    else if (it.do === 'refuse') world.refuse(it.pick);
    else if (it.do === 'tick') world.tick(it.ms);
    else await world.sweep(it.fault);
  }
  while (waiting.length > 0) pushNext();
  const found = [...world.violations];
  if (!(await world.settle())) return [...found, 'something stays open for ever'];
  return [...new Set([...found, ...world.violations]), ...(await wrongAtTheEnd(world))];
}

async function wrongAtTheEnd(world: World): Promise<string[]> {
  const wrong: string[] = [];
  for (const deployment of world.deployments) {
    const state = (await world.records.load(deployment))?.closed?.state;
    if (state === undefined) wrong.push(`${deployment.id} has no verdict`);
    if (world.reported.get(deployment.id) !== state) {
      wrong.push(
        `${deployment.id} is ${state}, but its status says ${world.reported.get(deployment.id)}`,
      );
    }
  }
  const newest = world.deployments.at(-1);
  const spec = world.pushes.at(-1);
  if (newest === undefined || spec === undefined) return ['there is no push'];
  const state = (await world.records.load(newest))?.closed?.state;
  const has = (list: readonly string[]) => spec.functions.some((key) => list.includes(key));
  const good = !spec.planFails && !has(spec.unbuildable) && !has(spec.unready);
  if (state !== (good ? 'live' : 'failed')) wrong.push(`the newest push is ${state}`);
  if (good) {
    const live = [...world.live].map(
      ([name, { labels }]) => `${name} of ${labels[cloudLabel.deployment]}`,
    );
    const expected = spec.functions.map((key) => `alice-${key} of ${newest.id}`);
    if (live.sort().join() !== expected.sort().join())
      wrong.push(`live at the end: ${live.join()}`);
  }
  for (const [name, { image }] of world.live) {
    if (image.endsWith('/unready') && good) wrong.push(`${name} runs a broken image`);
  }
  return wrong;
}

/** Looks for a scenario that breaks a promise; gives fast-check's report of the smallest. */
async function search(
  sabotage: Sabotage,
  timeMs: number,
  endOnFailure = false,
): Promise<fc.RunDetails<[Scenario]>> {
  const property = fc.asyncProperty(scenario, async (it) => {
    expect((await violationsOf(it, sabotage)).join('; ')).to.equal('');
  });
  return fc.check(property, {
    numRuns: 100_000,
    interruptAfterTimeLimit: timeMs,
    endOnFailure,
    ...(process.env['FC_SEED'] === undefined ? {} : { seed: Number(process.env['FC_SEED']) }),
  });
}

describe('the pipeline, whatever is lost, doubled, reordered or crashes', () => {
  it('comes to one right end', async function () {
    this.timeout(600_000);
    const details = await search('none', Number(process.env['FC_TIME_MS'] ?? 5000));
    const { numRuns, seed, counterexample, errorInstance } = details;
    const report = JSON.stringify(counterexample, undefined, 1);
    expect(counterexample, `FC_SEED=${seed} ${report} ${errorInstance}`).to.equal(null);
    expect(numRuns).to.be.greaterThan(20);
    console.log(`      ${numRuns} scenarios, seed ${seed}`);
  });

  for (const sabotage of ['no superseding', 'no claims'] as const) {
    it(`is seen to be wrong with ${sabotage}`, async function () {
      this.timeout(600_000);
      const { counterexample } = await search(sabotage, 10_000, true);
      expect(counterexample).to.not.equal(null);
    });
  }
});
