import { expect } from 'chai';
import sodium from 'libsodium-wrappers';
import { CloudError, type ErrorCode } from '#shared/errors.ts';
import type { FunctionStatus } from '#shared/gateway/function-status.ts';
import type { Deployment, DeploymentRef } from '#shared/pipeline/deployment.ts';
import { deploymentLabels, secretsAnnotation } from '#shared/pipeline/labels.ts';
import { openSecrets, parsePrivateKey } from '#shared/sealed-box.ts';
import { createSealedValues } from '../../../functions/function-logs/sealed-values.ts';
import { openBuildSecrets } from '../../../functions/import-secrets/import-secrets.ts';
import { expectCode } from '../../helpers/expect-code.ts';
import { testPush } from '../../helpers/pipeline-fixtures.ts';
import { createStage } from '../import-secrets/stage.ts';

const fn = (deployment: Deployment, isSealed = true): FunctionStatus => ({
  ...{ name: 'alice-hello', image: '', replicas: 1 },
  ...{ availableReplicas: 1, invocationCount: 0 },
  labels: deploymentLabels(deployment, 1),
  annotations: isSealed ? { [secretsAnnotation]: 'digest' } : {},
});

describe('values that the log of a function hides', () => {
  before(() => sodium.ready);

  it('are all that its push sealed, for the function and for its build', async () => {
    const stage = createStage();
    const file = stage.box({ pin: 'for the function', npm_token: 'for the build' });
    const { deployment } = await stage.run([file], {}, ['npm_token']);
    const ours = parsePrivateKey(Buffer.alloc(32, 5).toString('base64'));
    let calls = 0;
    const client = {
      open: async (ref: DeploymentRef, ids: readonly string[] | '*') => {
        calls += 1;
        const recipient = Buffer.from(ours.publicKey).toString('base64');
        const text = await openBuildSecrets(stage.importing, ref, ids, recipient);
        return new Map([...openSecrets(text, [ours])].map(([name, { value }]) => [name, value]));
      },
    };
    const values = createSealedValues(client);
    const texts = async () => (await values(fn(deployment))).map(String);
    expect(await texts()).to.have.members(['for the function', 'for the build']);
    await texts();
    expect(calls).to.equal(1);
    // Of another push, or of one that sealed nothing, nothing is asked or known.
    expect(await values(fn(deployment, false))).to.deep.equal([]);
    expect(calls).to.equal(1);
    const { defaultBranch: _, ...forgotten } = testPush({ sha: 'c'.repeat(40) });
    expect(await values(fn(forgotten))).to.deep.equal([]);
  });

  it('are not known where nobody can tell; where somebody cannot tell now there is no log', async () => {
    const { defaultBranch: _, ...deployment } = testPush();
    const failing = (code: ErrorCode) =>
      createSealedValues({ open: () => Promise.reject(new CloudError(code, 'no')) });
    for (const code of ['OFC_CONFIG', 'OFC_NOT_FOUND', 'OFC_SECRETS'] as const) {
      expect(await failing(code)(fn(deployment))).to.deep.equal([]);
    }
    for (const code of ['OFC_UPSTREAM', 'OFC_BUSY'] as const) {
      await expectCode(failing(code)(fn(deployment)), code);
    }
  });
});
