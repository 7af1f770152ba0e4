import { expect } from 'chai';
import type { FunctionStatus } from '#shared/gateway/function-status.ts';
import { answerList } from '../../functions/list-functions/answer-list.ts';
import { expectCode } from '../helpers/expect-code.ts';
import { get, signedGet, testSigner, visitorGet } from '../helpers/signed-request.ts';

const receiver = 'list-functions';
const labels = (owner: string) => ({
  'com.openfaas.cloud.git-cloud': '1',
  'com.openfaas.cloud.git-owner': owner,
});
const fn = (name: string, changes: Partial<FunctionStatus> = {}): FunctionStatus => ({
  name,
  image: 'registry.example:5000/alice/hello:1@sha256:00',
  invocationCount: 3,
  replicas: 1,
  availableReplicas: 1,
  ...changes,
});

const functions: FunctionStatus[] = [
  fn('alice-hello', {
    labels: labels('Alice'),
    annotations: { 'com.openfaas.cloud.git-repo-url': 'https://github.com/Alice/hello' },
    envProcess: 'node index.mjs',
    namespace: 'openfaas-fn',
    envVars: { PASSWORD: 'in the environment' },
    secrets: ['alice-key'],
  }),
  fn('alice-bare', { labels: labels('alice'), image: 'hello' }),
  fn('bob-hello', { labels: labels('bob') }),
  fn('alice-no-labels', { labels: null }),
  fn('alice-none'),
  // Without git-cloud it was not us who deployed it.
  fn('alice-fake', { labels: { 'com.openfaas.cloud.git-owner': 'alice' } }),
];
const deps = { signer: testSigner, gateway: { list: async () => functions } };

describe('list-functions', () => {
  it("lists one owner's functions without the registry's host and values of variables", async () => {
    const listed = await answerList(deps, signedGet(receiver, 'user=ALICE'));
    expect(listed).to.deep.equal([
      {
        name: 'alice-hello',
        image: 'alice/hello:1@sha256:00',
        invocationCount: 3,
        replicas: 1,
        availableReplicas: 1,
        labels: labels('Alice'),
        annotations: { 'com.openfaas.cloud.git-repo-url': 'https://github.com/Alice/hello' },
        environment: ['PASSWORD'],
        secrets: ['alice-key'],
        limits: {},
        envProcess: 'node index.mjs',
        namespace: 'openfaas-fn',
      },
      {
        name: 'alice-bare',
        image: 'hello',
        invocationCount: 3,
        replicas: 1,
        availableReplicas: 1,
        labels: labels('alice'),
        annotations: {},
        environment: [],
        secrets: [],
        limits: {},
      },
    ]);
    expect(JSON.stringify(listed)).not.to.include('in the environment');
  });

  it('shows them to who is signed in and may see the owner', async () => {
    expect(
      await answerList(deps, visitorGet(receiver, 'user=bob', ['alice', 'bob'])),
    ).to.have.length(1);
  });

  it('has nothing for an unknown owner', async () => {
    expect(await answerList(deps, signedGet(receiver, 'user=nobody'))).to.deep.equal([]);
  });

  it('must be told one owner', async () => {
    for (const query of ['', 'user=', 'user=alice&user=bob']) {
      expect(
        (await expectCode(answerList(deps, signedGet(receiver, query)), 'OFC_BAD_REQUEST')).status,
      ).to.equal(400);
    }
    await expectCode(answerList(deps, signedGet(receiver, 'user=../x')), 'OFC_NAME_INVALID');
  });

  it('is closed to everybody else', async () => {
    await expectCode(answerList(deps, get('user=alice')), 'OFC_UNAUTHENTICATED');
    await expectCode(
      answerList(deps, visitorGet(receiver, 'user=alice', ['bob'])),
      'OFC_FORBIDDEN',
    );
    await expectCode(answerList(deps, signedGet('echo', 'user=alice')), 'OFC_UNAUTHENTICATED');
    const moved = { ...signedGet(receiver, 'user=alice'), rawQuery: 'user=bob' };
    await expectCode(answerList(deps, moved), 'OFC_UNAUTHENTICATED');
    const post = { ...signedGet(receiver, 'user=alice'), method: 'POST' };
    await expectCode(answerList(deps, post), 'OFC_METHOD');
  });
});
