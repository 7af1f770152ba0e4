import { expect } from 'chai';
import * as v from 'valibot';
import { CloudError } from '#shared/errors.ts';
import { parseSha } from '#shared/names.ts';
import { buildKeyOf, builtImageKey } from '#shared/pipeline/built-images.ts';
import {
  deploymentId,
  deploymentRefSchema,
  deploymentSchema,
  parseDeploymentId,
  parsedBy,
  refOf,
} from '#shared/pipeline/deployment.ts';
import { failedRecord } from '#shared/pipeline/failed-record.ts';
import { belongsTo, cloudLabel, deploymentLabels } from '#shared/pipeline/labels.ts';
import { expectCode } from '../../helpers/expect-code.ts';
import { testPush } from '../../helpers/pipeline-fixtures.ts';

const sha = parseSha('a'.repeat(40));
const { owner } = testPush();

describe('the id of a deployment', () => {
  it('is the same for the same delivery, and greater for a later one or another attempt', () => {
    const id = deploymentId(1_700_000_000_000, sha, 'github:1', 1);
    expect(deploymentId(1_700_000_000_000, sha, 'github:1', 1)).to.equal(id);
    expect(deploymentId(1_700_000_000_001, sha, 'github:1', 1) > id).to.equal(true);
    expect(deploymentId(1_700_000_000_000, sha, 'github:1', 2) > id).to.equal(true);
    expect(
      deploymentId(1_700_000_000_000, sha, 'github:1', 255) >
        deploymentId(1_700_000_000_000, sha, 'github:1', 16),
    ).to.equal(true);
    expect(deploymentId(1_700_000_000_000, sha, 'github:2', 1)).to.not.equal(id);
  });

  it('is in the order of time for a century', () => {
    const times = [1, 1e12, 1_700_000_000_000, 2_900_000_000_000, 4_800_000_000_000];
    const ids = times.map((time) => deploymentId(time, sha, 'x', 1));
    expect([...ids].sort()).to.deep.equal(ids);
    for (const id of ids) expect(parseDeploymentId(id)).to.equal(id);
  });

  for (const text of ['', 'x', '../../../etc', 7, undefined, `${deploymentId(1, sha, 'x', 1)}\n`]) {
    it(`is not ${JSON.stringify(text) ?? 'undefined'}`, async () => {
      await expectCode(() => parseDeploymentId(text), 'OFC_BAD_REQUEST');
    });
  }
});

describe('the schema of a deployment', () => {
  it('says what is wrong with a field that one of our parsers reads', () => {
    const push = testPush();
    expect(v.safeParse(deploymentSchema, push).success).to.equal(true);
    const bad = v.safeParse(deploymentSchema, { ...push, branch: '../x' });
    expect(bad.success).to.equal(false);
    expect(bad.issues?.[0].message).to.include('branch');
    const odd = parsedBy(() => {
      throw 'text';
    });
    expect(v.safeParse(odd, 1).issues?.[0].message).to.equal('invalid');
  });

  it('folds the owner’s case and drops what does not belong there', () => {
    const ref = v.parse(deploymentRefSchema, { ...testPush(), owner: 'ALICE' });
    expect(ref).to.deep.equal(refOf(testPush()));
  });
});

describe('labels of a function', () => {
  it('say where it comes from', () => {
    const push = testPush({ private: true, branch: 'feature/x' });
    const labels = deploymentLabels(push, 1_700_000_000);
    expect(labels).to.include({
      'com.openfaas.cloud.git-cloud': '1',
      'com.openfaas.cloud.git-owner': 'alice',
      'com.openfaas.cloud.git-owner-id': '11',
      'com.openfaas.cloud.git-repo': 'hello',
      'com.openfaas.cloud.git-repo-id': '22',
      'com.openfaas.cloud.git-sha': sha,
      'com.openfaas.cloud.git-scm': 'github',
      'com.openfaas.cloud.git-private': '1',
      'com.openfaas.cloud.git-deploytime': '1700000000',
      'com.openfaas.cloud.deployment': push.id,
    });
    for (const value of Object.values(labels)) expect(value).to.match(/^[A-Za-z0-9._-]{1,63}$/);
  });

  it('tell whose it is', () => {
    const labels = { [cloudLabel.cloud]: '1', [cloudLabel.owner]: 'Alice' };
    expect(belongsTo({ labels }, 'alice')).to.equal(true);
    expect(belongsTo({ labels }, 'alice2')).to.equal(false);
    expect(belongsTo({ labels: { [cloudLabel.owner]: 'alice' } }, 'alice')).to.equal(false);
    expect(belongsTo({ labels: { [cloudLabel.cloud]: '1' } }, 'alice')).to.equal(false);
    expect(belongsTo({ labels: null }, 'alice')).to.equal(false);
    expect(belongsTo({ labels: undefined }, '')).to.equal(false);
  });
});

describe('the key of a build', () => {
  it('tells contexts, repositories and arguments apart, whatever their order', () => {
    const key = buildKeyOf('sha256:1', 'r/a', { A: '1', B: '2' });
    expect(buildKeyOf('sha256:1', 'r/a', { B: '2', A: '1' })).to.equal(key);
    const others = [
      buildKeyOf('sha256:2', 'r/a', { A: '1', B: '2' }),
      buildKeyOf('sha256:1', 'r/b', { A: '1', B: '2' }),
      buildKeyOf('sha256:1', 'r/a', { A: '1' }),
      buildKeyOf('sha256:1', 'r/a', { A: '1,B' }),
      buildKeyOf('sha256:1', 'r/a', {}),
    ];
    expect(new Set([key, ...others]).size).to.equal(6);
    expect(builtImageKey(owner, key)).to.equal(`contexts/alice/${key}.json`);
  });
});

it('a failed record has the text with the fix', () => {
  const error = new CloudError('OFC_CLONE', 'Gone.', { hint: 'Push again.' });
  expect(failedRecord(error)).to.include({
    outcome: 'failed',
    code: 'OFC_CLONE',
    text: 'Gone. Push again.',
  });
});
