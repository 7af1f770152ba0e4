import { expect } from 'chai';
import { parseFunctionKey } from '#shared/names.ts';
import { nextActions } from '#shared/pipeline/next-actions.ts';
import type { BuildRecord, DeployRecord, PlanRecord } from '#shared/pipeline/plan.ts';
import {
  claimName,
  type DeploymentRecords,
  deploymentState,
  functionState,
  transitions,
} from '#shared/pipeline/states.ts';
import { testFunction, testPush } from '../../helpers/pipeline-fixtures.ts';

const failed = { outcome: 'failed', code: 'OFC_X', text: 'It broke.', at: 1 } as const;
const built: BuildRecord = {
  outcome: 'built',
  image: 'i@sha256:1',
  cached: false,
  seconds: 1,
  at: 1,
};
const live: DeployRecord = { outcome: 'live', url: 'http://x', at: 1 };
const key = parseFunctionKey;

/** Records in short: each function's build and roll-out by its key. */
function recordsOf(
  functions: Record<string, { claimed?: boolean; build?: BuildRecord; deploy?: DeployRecord }>,
  changes: Partial<DeploymentRecords> = {},
): DeploymentRecords {
  const entries = Object.entries(functions);
  const plan: PlanRecord = {
    outcome: 'planned',
    functions: entries.map(([name]) => testFunction(name)),
    warnings: [],
    at: 1,
  };
  return {
    deployment: testPush(),
    plan,
    builds: new Map(entries.flatMap(([name, { build }]) => (build ? [[key(name), build]] : []))),
    deploys: new Map(
      entries.flatMap(([name, { deploy }]) => (deploy ? [[key(name), deploy]] : [])),
    ),
    claimed: new Set(
      entries.flatMap(([name, { claimed }]) => (claimed ? [claimName('build', key(name))] : [])),
    ),
    closed: undefined,
    ...changes,
  };
}

const actions = (records: DeploymentRecords, supersededBy?: string, maxParallelBuilds = 2) =>
  nextActions(records, { supersededBy, maxParallelBuilds }).map((action) => {
    if (action.do === 'close') return `close ${action.state}: ${action.text}`;
    return action.do === 'plan' ? 'plan' : `${action.do} ${action.fn.key}`;
  });

describe('what a deployment needs next', () => {
  it('is a plan', () => {
    expect(actions(recordsOf({}, { plan: undefined }))).to.deep.equal(['plan']);
  });

  it('is its end where the plan failed, was not wanted, or a newer push came', () => {
    expect(actions(recordsOf({}, { plan: failed }))).to.deep.equal([
      'close failed: It broke. (OFC_X)',
    ]);
    const skip = recordsOf({}, { plan: undefined, deployment: testPush({ skip: 'Not built.' }) });
    expect(actions(skip)).to.deep.equal(['close skipped: Not built.']);
    const superseded = ['close superseded: A newer push replaced this one: abc1234.'];
    expect(actions(recordsOf({}, { plan: undefined }), 'abc1234')).to.deep.equal(superseded);
    expect(actions(recordsOf({ a: { build: built } }), 'abc1234')).to.deep.equal(superseded);
  });

  it('is as many builds as may run, those that began first', () => {
    expect(actions(recordsOf({ a: {}, b: {}, c: {} }))).to.deep.equal(['build a', 'build b']);
    expect(actions(recordsOf({ a: {}, b: {}, c: { claimed: true } }))).to.deep.equal([
      'build c',
      'build a',
    ]);
    const all = { claimed: true };
    expect(actions(recordsOf({ a: all, b: all, c: all }))).to.deep.equal([
      'build a',
      'build b',
      'build c',
    ]);
  });

  it('is a roll-out of what is built, while others build', () => {
    const records = recordsOf({ a: { build: built }, b: {}, c: { build: failed } });
    expect(actions(records)).to.deep.equal(['deploy a', 'build b']);
    expect(nextActions(records, { supersededBy: undefined, maxParallelBuilds: 1 })[0]).to.include({
      image: 'i@sha256:1',
    });
  });

  it('is a verdict once every function came to its end, also if a newer push came then', () => {
    const good = { build: built, deploy: live };
    expect(actions(recordsOf({ a: good }), 'abc1234')).to.deep.equal([
      'close live: 1 function is live.',
    ]);
    expect(actions(recordsOf({ a: good, b: good }))).to.deep.equal([
      'close live: 2 functions are live.',
    ]);
    const mixed = recordsOf({ a: good, b: { build: failed }, c: { build: built, deploy: failed } });
    expect(actions(mixed)).to.deep.equal(['close failed: 2 of 3 failed: b, c.']);
  });

  it('is nothing once it is closed', () => {
    const closed = { state: 'superseded', text: 'x', at: 1 } as const;
    expect(actions(recordsOf({ a: {} }, { closed }))).to.deep.equal([]);
  });
});

describe('states', () => {
  const closedAs = (state: 'live' | 'failed' | 'superseded') => ({
    closed: { state, text: '', at: 1 },
  });

  it('of a function follow from its records', () => {
    const of = (it: Parameters<typeof recordsOf>[0][string], changes = {}) =>
      functionState(recordsOf({ a: it }, changes), key('a'));
    expect(of({})).to.equal('planned');
    expect(of({ claimed: true })).to.equal('building');
    expect(of({ build: built })).to.equal('deploying');
    expect(of({ build: failed })).to.equal('failed');
    expect(of({ build: built, deploy: live })).to.equal('live');
    expect(of({ build: built, deploy: failed })).to.equal('failed');
    expect(of({ claimed: true }, closedAs('superseded'))).to.equal('superseded');
    expect(of({ build: built }, closedAs('failed'))).to.equal('failed');
    expect(of({ build: built }, closedAs('live'))).to.equal('failed');
    expect(of({ build: built, deploy: live }, closedAs('failed'))).to.equal('live');
  });

  it('of a deployment follow from its functions', () => {
    const of = (functions: Parameters<typeof recordsOf>[0], changes = {}) =>
      deploymentState(recordsOf(functions, changes));
    expect(of({}, { plan: undefined })).to.equal('received');
    expect(of({}, { plan: failed })).to.equal('failed');
    expect(of({ a: {}, b: {} })).to.equal('planned');
    expect(of({ a: {}, b: { claimed: true } })).to.equal('building');
    expect(of({ a: {}, b: { build: built } })).to.equal('building');
    expect(of({ a: { build: built }, b: { build: built, deploy: live } })).to.equal('deploying');
    expect(of({ a: {} }, closedAs('superseded'))).to.equal('superseded');
  });

  it('that are ends are left by nothing, and all others can end', () => {
    for (const [state, next] of Object.entries(transitions)) {
      const isEnd = ['live', 'failed', 'superseded', 'cancelled', 'skipped'].includes(state);
      expect(next.length === 0, state).to.equal(isEnd);
      if (!isEnd) expect(next).to.include.members(['failed', 'superseded']);
    }
  });
});
