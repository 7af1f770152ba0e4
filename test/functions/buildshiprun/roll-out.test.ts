import { expect } from 'chai';
import { CloudError } from '#shared/errors.ts';
import type { FunctionStatus } from '#shared/gateway/function-status.ts';
import type { Deployment } from '#shared/pipeline/deployment.ts';
import { deploymentLabels } from '#shared/pipeline/labels.ts';
import { createRecords } from '#shared/pipeline/records.ts';
import { createPublicUrls } from '#shared/public-urls.ts';
import { createDeploy } from '../../../functions/buildshiprun/deploy.ts';
import { expectCode } from '../../helpers/expect-code.ts';
import { createMemoryGateway, type MemoryGateway } from '../../helpers/memory-gateway.ts';
import { createMemoryObjectStore } from '../../helpers/memory-object-store.ts';
import { testFunction, testLimits, testPush } from '../../helpers/pipeline-fixtures.ts';

const limits = { ...testLimits, cpu: '500m' };
const at = 1_700_000_000_000;
const deploymentOf = (changes: Parameters<typeof testPush>[0] = {}): Deployment => {
  const { defaultBranch: _, ...deployment } = testPush(changes);
  return deployment;
};
const fn = { ...testFunction('fn'), environment: { COLOUR: 'red' } };
const deployment = deploymentOf({ receivedAt: at + 10, sha: 'b'.repeat(40) });
const earlier = deploymentOf({ receivedAt: at });

/** What runs under the name, put there by a deployment. */
const runningOf = (
  it: Deployment,
  more: Partial<FunctionStatus> = {},
): Partial<FunctionStatus> => ({
  name: 'alice-fn',
  image: 'running',
  labels: deploymentLabels(it, 1),
  ...more,
});

async function stage(gateway: MemoryGateway, { timeoutMs = 60 } = {}) {
  const records = createRecords(createMemoryObjectStore());
  /** Records a deployment of fn as it is when it went live. */
  const recordLive = async (it: Deployment, image: string) => {
    await records.begin(it);
    await records.recordPlan(it, { outcome: 'planned', functions: [fn], warnings: [], at: 1 });
    await records.recordBuild(it, fn.key, {
      outcome: 'built',
      image,
      cached: false,
      seconds: 1,
      at: 1,
    });
    await records.recordDeploy(it, fn.key, { outcome: 'live', url: 'x', at: 1 });
  };
  const deployOf = createDeploy({
    gateway,
    records,
    urls: createPublicUrls({ publicUrl: 'http://gw', prettyUrl: '' }),
    limits,
    timeoutMs,
  });
  const deploy = (it: Deployment = deployment) =>
    deployOf(
      {
        deployment: it,
        plan: undefined,
        builds: new Map(),
        deploys: new Map(),
        closed: undefined,
        claimed: new Set(),
      },
      fn,
      'new@sha256:1',
    );
  return { records, recordLive, deploy };
}

describe('rolling out a function', () => {
  it('deploys it with the owner’s labels and the operator’s limits, and gives its URL', async () => {
    const gateway = createMemoryGateway();
    const { deploy } = await stage(gateway);
    expect(await deploy()).to.equal('http://gw/function/alice-fn');
    expect(gateway.calls).to.deep.equal(['deploy alice-fn', 'invoke alice-fn']);
    const labels = gateway.functions.get('alice-fn')?.labels;
    expect(labels).to.include(deploymentLabels(deployment, Math.floor((at + 10) / 1000)));
  });

  it('asks for exactly what the plan and the operator say', async () => {
    const gateway = createMemoryGateway();
    let asked: unknown;
    gateway.onDeploy = (it) => {
      asked = it;
      return {};
    };
    await (await stage(gateway)).deploy();
    expect(asked).to.deep.include({
      service: 'alice-fn',
      image: 'new@sha256:1',
      envVars: { COLOUR: 'red' },
      secrets: [],
      limits: { memory: '128Mi', cpu: '500m' },
      requests: {},
      readOnlyRootFilesystem: true,
    });
  });

  it('waits until the new replica answers', async () => {
    const gateway = createMemoryGateway();
    let asked = 0;
    gateway.onInvoke = async () => {
      asked += 1;
      return { status: asked < 3 ? 503 : 200 };
    };
    await (await stage(gateway, { timeoutMs: 10_000 })).deploy();
    expect(asked).to.equal(3);
  });

  for (const status of [200, 204, 401, 404]) {
    it(`takes ${status} for an answer`, async () => {
      const gateway = createMemoryGateway();
      gateway.onInvoke = async () => ({ status });
      await (await stage(gateway)).deploy();
    });
  }

  it('does not take the replica before for the new one', async () => {
    const gateway = createMemoryGateway(runningOf(earlier));
    const stale = gateway.functions.get('alice-fn');
    let looked = 0;
    const get = gateway.get;
    // Right after an update, a gateway may still tell of what was there before.
    gateway.get = async (name) => {
      looked += 1;
      return looked < 4 ? stale : get(name);
    };
    await (await stage(gateway, { timeoutMs: 10_000 })).deploy();
    expect(looked).to.equal(4);
  });

  describe('whose image, environment and limits are the same', () => {
    const same: Partial<FunctionStatus> = {
      image: 'new@sha256:1',
      envVars: { COLOUR: 'red' },
      secrets: null,
      limits: { cpu: '500m', memory: '128Mi' },
    };
    const silent = () => Promise.reject(new Error('not asked'));

    for (const [what, more] of [
      ['runs', {}],
      ['was stopped for want of requests', { replicas: 0, availableReplicas: 0 }],
    ] as const) {
      it(`is not waited for where it ${what}`, async () => {
        const gateway = createMemoryGateway(runningOf(earlier, { ...same, ...more }));
        gateway.onInvoke = silent;
        await (await stage(gateway)).deploy();
        const labels = gateway.functions.get('alice-fn')?.labels;
        expect(labels?.['com.openfaas.cloud.deployment']).to.equal(deployment.id);
      });
    }

    for (const [what, running] of [
      ['has not come up yet', runningOf(earlier, { ...same, availableReplicas: 0 })],
      [
        'has not come up yet, after an interruption',
        runningOf(deployment, { ...same, availableReplicas: 0 }),
      ],
      ['died', runningOf(earlier, { ...same, failure: 'died' })],
      ['is of a gateway that does not tell', runningOf(earlier, { image: 'new@sha256:1' })],
      ['has another image', runningOf(earlier, { ...same, image: 'old' })],
      ['has another environment', runningOf(earlier, { ...same, envVars: {} })],
      ['has another secret', runningOf(earlier, { ...same, secrets: ['alice-s'] })],
      ['has other limits', runningOf(earlier, { ...same, limits: {} })],
      ['has another process', runningOf(earlier, { ...same, envProcess: 'cat' })],
    ] as const) {
      it(`is waited for where it ${what}`, async () => {
        const gateway = createMemoryGateway(running);
        gateway.onInvoke = silent;
        await expectCode((await stage(gateway)).deploy(), 'OFC_DEPLOY_FAILED');
      });
    }
  });

  describe('refuses untouched a name', () => {
    for (const [what, status] of [
      ['of the platform', { name: 'alice-fn', labels: { role: 'openfaas-system' } }],
      ['without labels', { name: 'alice-fn', labels: null }],
      ['of another owner', runningOf(deploymentOf({ owner: 'bob' }))],
      ['of one who had this login before', runningOf(deploymentOf({ ownerId: 12 }))],
      [
        'with the owner’s label but no mark of ours',
        { name: 'alice-fn', labels: { 'com.openfaas.cloud.git-owner': 'alice' } },
      ],
      ['of another repo of this owner', runningOf(deploymentOf({ repo: 'other', repoId: 23 }))],
      [
        'of another repo that the original deployed',
        {
          name: 'alice-fn',
          labels: {
            'com.openfaas.cloud.git-cloud': '1',
            'com.openfaas.cloud.git-owner': 'Alice',
            'com.openfaas.cloud.git-owner-id': '0',
            'com.openfaas.cloud.git-repo': 'other',
          },
        },
      ],
    ] as const) {
      it(what, async () => {
        const gateway = createMemoryGateway(status);
        const before = gateway.functions.get('alice-fn');
        await expectCode((await stage(gateway)).deploy(), 'OFC_NAME_TAKEN');
        expect(gateway.calls).to.deep.equal([]);
        expect(gateway.functions.get('alice-fn')).to.equal(before);
      });
    }
  });

  it('takes over what the original deployed from the same repo', async () => {
    const gateway = createMemoryGateway({
      name: 'alice-fn',
      labels: {
        'com.openfaas.cloud.git-cloud': '1',
        'com.openfaas.cloud.git-owner': 'alice',
        'com.openfaas.cloud.git-owner-id': '0',
        'com.openfaas.cloud.git-repo': 'hello',
      },
    });
    await (await stage(gateway)).deploy();
    expect(gateway.functions.get('alice-fn')?.image).to.equal('new@sha256:1');
  });

  describe('of which the replica never gets ready', () => {
    const broken: [string, (gateway: MemoryGateway) => void][] = [
      [
        'because no replica comes up',
        (gateway) => {
          gateway.onDeploy = ({ image }) => ({
            availableReplicas: image.startsWith('new') ? 0 : 1,
          });
        },
      ],
      [
        'because it answers 502',
        (gateway) => {
          gateway.onInvoke = async () => ({ status: 502 });
        },
      ],
      [
        'because it does not answer',
        (gateway) => {
          gateway.onInvoke = () => Promise.reject(new CloudError('OFC_TIMEOUT', 'slow'));
        },
      ],
    ];
    for (const [why, breakIt] of broken) {
      it(`${why}: the spec before is put back`, async () => {
        const gateway = createMemoryGateway(runningOf(earlier));
        const { deploy, recordLive } = await stage(gateway);
        await recordLive(earlier, 'old@sha256:0');
        breakIt(gateway);
        const error = await expectCode(deploy(), 'OFC_DEPLOY_FAILED');
        expect(error.text).to.include('did not answer within');
        const back = gateway.functions.get('alice-fn');
        expect(back?.image).to.equal('old@sha256:0');
        expect(back?.labels?.['com.openfaas.cloud.deployment']).to.equal(earlier.id);
      });
    }

    it('says at once why, if the gateway knows', async () => {
      const gateway = createMemoryGateway();
      gateway.onDeploy = () => ({ availableReplicas: 0, failure: 'Cannot find package "x"' });
      const { deploy } = await stage(gateway, { timeoutMs: 600_000 });
      const error = await expectCode(deploy(), 'OFC_DEPLOY_FAILED');
      expect(error.text).to.include('Cannot find package "x"');
    });

    it('is removed if it is new', async () => {
      const gateway = createMemoryGateway();
      gateway.onDeploy = () => ({ failure: 'died' });
      await expectCode((await stage(gateway)).deploy(), 'OFC_DEPLOY_FAILED');
      expect(gateway.functions.size).to.equal(0);
    });

    it('goes back to the last one that was live, after an interruption', async () => {
      const gateway = createMemoryGateway(runningOf(deployment));
      const { deploy, recordLive, records } = await stage(gateway);
      const failed = deploymentOf({ receivedAt: at + 5, sha: 'c'.repeat(40) });
      await recordLive(earlier, 'old@sha256:0');
      await records.begin(failed);
      gateway.onDeploy = ({ image }) => (image.startsWith('new') ? { failure: 'died' } : {});
      await expectCode(deploy(), 'OFC_DEPLOY_FAILED');
      expect(gateway.functions.get('alice-fn')?.image).to.equal('old@sha256:0');
    });

    it('is removed after an interruption if there was none before', async () => {
      const gateway = createMemoryGateway(runningOf(deployment));
      gateway.onDeploy = () => ({ failure: 'died' });
      await expectCode((await stage(gateway)).deploy(), 'OFC_DEPLOY_FAILED');
      expect(gateway.functions.size).to.equal(0);
    });

    it('stays where nothing is known of what ran before', async () => {
      const gateway = createMemoryGateway(runningOf(earlier));
      gateway.onDeploy = () => ({ failure: 'died' });
      await expectCode((await stage(gateway)).deploy(), 'OFC_DEPLOY_FAILED');
      expect(gateway.functions.get('alice-fn')?.image).to.equal('new@sha256:1');
    });

    it('leaves alone what a newer push put there meanwhile', async () => {
      const newer = deploymentOf({ receivedAt: at + 20, sha: 'c'.repeat(40) });
      const gateway = createMemoryGateway(runningOf(earlier));
      const { deploy, recordLive, records } = await stage(gateway, { timeoutMs: 10_000 });
      await recordLive(earlier, 'old@sha256:0');
      await records.addHead(newer);
      gateway.onInvoke = async () => {
        const status = runningOf(newer, { image: 'newer', availableReplicas: 1 });
        gateway.functions.set('alice-fn', status as FunctionStatus);
        return { status: 503 };
      };
      await expectCode(deploy(), 'OFC_CONFLICT');
      expect(gateway.functions.get('alice-fn')?.image).to.equal('newer');
    });
  });

  it('does not replace what a newer push of its branch put there', async () => {
    const newer = deploymentOf({ receivedAt: at + 20, sha: 'c'.repeat(40) });
    const gateway = createMemoryGateway(runningOf(newer));
    const { deploy, records } = await stage(gateway);
    await records.addHead(newer);
    await expectCode(deploy(), 'OFC_CONFLICT');
    expect(gateway.calls).to.deep.equal([]);
    const elsewhere = deploymentOf({ receivedAt: at + 20, branch: 'dev' });
    const other = createMemoryGateway(runningOf(elsewhere));
    await (await stage(other)).deploy();
    expect(other.functions.get('alice-fn')?.image).to.equal('new@sha256:1');
  });

  it('replaces what an older push put there whose webhook came later', async () => {
    const late = deploymentOf({ receivedAt: at + 20, sha: 'c'.repeat(40) });
    const gateway = createMemoryGateway(runningOf(late));
    const { deploy, records } = await stage(gateway);
    await records.addHead({ ...late, before: earlier.before });
    await records.addHead({ ...deployment, before: late.sha });
    await deploy();
    expect(gateway.functions.get('alice-fn')?.image).to.equal('new@sha256:1');
  });

  it('that the gateway refuses leaves what runs untouched', async () => {
    const gateway = createMemoryGateway(runningOf(earlier));
    const { deploy, recordLive } = await stage(gateway);
    await recordLive(earlier, 'old@sha256:0');
    const calls: string[] = [];
    gateway.deploy = async ({ image }) => {
      calls.push(image);
      throw new CloudError('OFC_DEPLOY_FAILED', 'The gateway answered 400.');
    };
    await expectCode(deploy(), 'OFC_DEPLOY_FAILED');
    expect(calls).to.deep.equal(['new@sha256:1']);
    expect(gateway.functions.get('alice-fn')?.image).to.equal('running');
  });

  it('is tried again, and nothing put back, where the gateway fails', async () => {
    const gateway = createMemoryGateway(runningOf(earlier));
    const { deploy, recordLive } = await stage(gateway);
    await recordLive(earlier, 'old@sha256:0');
    const get = gateway.get;
    let looked = 0;
    gateway.get = async (name) => {
      looked += 1;
      if (looked === 2) throw new CloudError('OFC_UPSTREAM', 'gone');
      return get(name);
    };
    await expectCode(deploy(), 'OFC_UPSTREAM');
    expect(gateway.calls).to.deep.equal(['deploy alice-fn']);
  });
});
