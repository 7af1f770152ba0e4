import { expect } from 'chai';
import type { FunctionKey } from '#shared/names.ts';
import type { BuildRecord, ClosedRecord, DeployRecord, PlanRecord } from '#shared/pipeline/plan.ts';
import type { DeploymentRecords } from '#shared/pipeline/states.ts';
import { createPublicUrls } from '#shared/public-urls.ts';
import { checkDigest } from '#shared/scm/check-digest.ts';
import { deriveChecks } from '#shared/scm/check-state.ts';
import { testFunction, testPush } from '../../helpers/pipeline-fixtures.ts';

const urls = createPublicUrls({ publicUrl: '', prettyUrl: 'https://user.example.com/function' });
const { defaultBranch: _, ...deployment } = testPush();
const log = `https://system.example.com/pipeline-log?owner=alice&repo=hello&sha=${deployment.sha}&function=hello-go`;

function records(parts: {
  plan?: PlanRecord | string[];
  builds?: Record<string, BuildRecord>;
  deploys?: Record<string, DeployRecord>;
  closed?: ClosedRecord;
  claimed?: string[];
}): DeploymentRecords {
  const { plan, builds = {}, deploys = {}, closed, claimed = [] } = parts;
  const map = <T>(of: Record<string, T>) => new Map(Object.entries(of) as [FunctionKey, T][]);
  return {
    deployment,
    plan: Array.isArray(plan)
      ? { outcome: 'planned', functions: plan.map(testFunction), warnings: [], at: 1 }
      : plan,
    builds: map(builds),
    deploys: map(deploys),
    closed,
    claimed: new Set(claimed),
  };
}

const of = (parts: Parameters<typeof records>[0], name = 'hello-go') => {
  const check = deriveChecks(records(parts), urls).find((found) => found.name === name);
  if (check === undefined) throw new Error(`there is no check ${name}`);
  return check;
};

const plan = ['hello-go'];
const built: BuildRecord = { outcome: 'built', image: 'i', cached: false, seconds: 12, at: 5 };
const cached: BuildRecord = { ...built, cached: true };
const failed = {
  outcome: 'failed',
  code: 'OFC_BUILD_FAILED',
  text: 'It broke. Fix it.',
  at: 6,
} as const;
const live: DeployRecord = { outcome: 'live', url: 'https://alice.example.com/hello-go', at: 7 };

describe('the checks of a deployment', () => {
  it('have the titles of the original', () => {
    expect(of({ plan }, 'stack-deploy').title).to.equal('Deploy to OpenFaaS');
    expect(of({ plan }).title).to.equal('Build hello-go');
  });

  // The original knew queued and completed only, and was green for what it had not built.
  const stack: [string, Parameters<typeof records>[0], string, string | undefined, string][] = [
    ['received', {}, 'queued', undefined, 'The push was received.'],
    ['being read', { claimed: ['plan'] }, 'in_progress', undefined, 'The repo is being read.'],
    [
      'planned',
      { plan },
      'in_progress',
      undefined,
      'The repo was read; the builds are about to start.',
    ],
    [
      'building',
      { plan, claimed: ['build/hello-go'] },
      'in_progress',
      undefined,
      'The functions are being built.',
    ],
    [
      'deploying',
      { plan, builds: { 'hello-go': built } },
      'in_progress',
      undefined,
      'The functions are being rolled out.',
    ],
    [
      'without a usable stack',
      { plan: { ...failed, text: 'No stack.yml.' } },
      'completed',
      'failure',
      'No stack.yml.',
    ],
    ...(
      [
        ['live', 'success'],
        ['failed', 'failure'],
        ['superseded', 'cancelled'],
        ['cancelled', 'cancelled'],
        ['skipped', 'neutral'],
      ] as const
    ).map(([state, conclusion]): (typeof stack)[number] => [
      state,
      { closed: { state, text: `It is ${state}.`, at: 9 } },
      'completed',
      conclusion,
      `It is ${state}.`,
    ]),
  ];
  for (const [what, parts, status, conclusion, description] of stack) {
    it(`say of a stack that it is ${what}`, () => {
      const check = of(parts, 'stack-deploy');
      expect(check).to.include({ status, description, detailsUrl: 'https://system.example.com/' });
      expect(check.conclusion).to.equal(conclusion);
      expect(check.completedAt !== undefined).to.equal(status === 'completed');
    });
  }

  it('say the same in the summary while the repo is being read', () => {
    expect(of({ claimed: ['plan'] }, 'stack-deploy').summary).to.contain('The repo is being read.');
  });

  it('list the functions in the summary of the stack', () => {
    const { summary } = of(
      { plan: ['hello-go', 'b'], deploys: { 'hello-go': live } },
      'stack-deploy',
    );
    expect(summary).to.contain('| `hello-go` | live | [https://alice.example.com/hello-go]');
    expect(summary).to.contain('| `b` | planned | [log](https://system.example.com/pipeline-log?');
    expect(summary).to.contain('Commit aaaaaaa of master');
  });

  it('pass on what is odd in stack.yml', () => {
    const parsed: PlanRecord = {
      outcome: 'planned',
      functions: [],
      warnings: ['fprocess is old.'],
      at: 1,
    };
    expect(of({ plan: parsed }, 'stack-deploy').summary).to.contain('Note: fprocess is old.');
  });

  const functions: [string, Parameters<typeof records>[0], string, string | undefined, string][] = [
    ['waiting', { plan }, 'queued', undefined, 'Waiting for a builder.'],
    [
      'building',
      { plan, claimed: ['build/hello-go'] },
      'in_progress',
      undefined,
      'The image is being built.',
    ],
    [
      'built',
      { plan, builds: { 'hello-go': built } },
      'in_progress',
      undefined,
      'The image was built in 12 s; the new replica is starting.',
    ],
    [
      'built before',
      { plan, builds: { 'hello-go': cached } },
      'in_progress',
      undefined,
      'The image was built before; the new replica is starting.',
    ],
    [
      'broken',
      { plan, builds: { 'hello-go': failed } },
      'completed',
      'failure',
      'It broke. Fix it. (OFC_BUILD_FAILED)',
    ],
    [
      'not ready',
      { plan, builds: { 'hello-go': built }, deploys: { 'hello-go': failed } },
      'completed',
      'failure',
      'It broke. Fix it. (OFC_BUILD_FAILED)',
    ],
    [
      'live',
      { plan, builds: { 'hello-go': built }, deploys: { 'hello-go': live } },
      'completed',
      'success',
      'Deployed: https://alice.example.com/hello-go',
    ],
    [
      'superseded',
      { plan, closed: { state: 'superseded', text: 'A newer push: bbbbbbb.', at: 9 } },
      'completed',
      'cancelled',
      'A newer push: bbbbbbb.',
    ],
  ];
  for (const [what, parts, status, conclusion, description] of functions) {
    it(`say of a function that it is ${what}`, () => {
      const check = of(parts);
      expect(check).to.include({ status, description });
      expect(check.conclusion).to.equal(conclusion);
      expect(check.completedAt !== undefined).to.equal(status === 'completed');
      const unbuilt = what === 'built before';
      expect(check.summary).to.contain(unbuilt ? 'was not built again' : log);
      expect(check.summary.includes(log)).to.equal(!unbuilt);
    });
  }

  it('lead to the function when it is live, and to its log otherwise', () => {
    expect(of({ plan, deploys: { 'hello-go': live } }).detailsUrl).to.equal(
      live.outcome === 'live' && live.url,
    );
    expect(of({ plan, builds: { 'hello-go': failed } }).detailsUrl).to.equal(log);
    expect(of({ plan }).detailsUrl).to.equal(log);
  });

  it('keep the lines of what failed, which cannot end their block', () => {
    const text = 'It exited.\n```\n<img src=x>';
    const { summary, description } = of({ plan, builds: { 'hello-go': { ...failed, text } } });
    expect(description).to.equal(`${text} (OFC_BUILD_FAILED)`);
    expect(summary).to.match(
      /^````text\nIt exited\.\n```\n<img src=x> \(OFC_BUILD_FAILED\)\n````\n/,
    );
  });

  it('have a log only once a build began', () => {
    expect(of({ plan }).logOf).to.equal(undefined);
    expect(of({ plan, claimed: ['build/hello-go'] }).logOf).to.equal('hello-go');
  });

  it('keep a function named as the stack apart from it', () => {
    const checks = deriveChecks(records({ plan: ['stack-deploy', 'stack'] }), urls);
    expect(new Set(checks.map(({ context }) => context)).size).to.equal(3);
  });

  it('have equal digests if and only if they say the same', () => {
    expect(checkDigest(of({ plan }))).to.equal(checkDigest(of({ plan })));
    expect(checkDigest(of({ plan }))).to.not.equal(
      checkDigest(of({ plan, builds: { 'hello-go': built } })),
    );
  });
});
