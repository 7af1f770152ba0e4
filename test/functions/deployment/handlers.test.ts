import { expect } from 'chai';
import { signatureHeader } from '#shared/messages/signature.ts';
import { refOf } from '#shared/pipeline/deployment.ts';
import { expectCode } from '../../helpers/expect-code.ts';
import { testPush } from '../../helpers/pipeline-fixtures.ts';
import { deploymentStage, type Step, signer, stack, steps, withEnvironment } from './stage.ts';

describe('the handlers of a deployment', () => {
  it('are stopped by a wrong configuration, with all that is wrong', async () => {
    const wrong = { secret_mount_path: '/nowhere', gateway_url: 'nonsense' };
    await withEnvironment(wrong, async () => {
      for (const name of Object.keys(steps)) {
        // A handler of its own: that of the other tests may have its configuration already.
        const { init }: Step = await import(`../../../functions/${name}/handler.ts?wrong`);
        const error = await expectCode(init, 'OFC_CONFIG');
        expect(error.message, name).to.contain('payload-secret').and.contain('gateway_url');
      }
    });
  });
});

describe('the handlers of a deployment, on a real store, a git server and a builder', () => {
  const on = deploymentStage();

  it('bring a push live', async () => {
    const deployment = await on.begin({ 'stack.yml': stack('one', 'two') });
    expect((await on.call('buildshiprun', refOf(deployment))).status).to.equal(200);
    expect(await on.closed(deployment)).to.include({
      state: 'live',
      text: '2 functions are live.',
    });
    expect([...on.functions.keys()].sort()).to.deep.equal(['alice-one', 'alice-two']);
    const one = on.functions.get('alice-one');
    expect(one?.image).to.match(/\/alice\/hello-one:latest-master-[0-9a-f]{7}@sha256:abc$/);
    expect(one?.limits).to.deep.equal({ memory: '128Mi', cpu: '250m' });
    expect((await on.records().load(deployment))?.deploys.values().next().value).to.deep.include({
      url: 'http://public.example/function/alice-one',
    });
    expect(on.calls).to.include.members([
      'git-tar 200',
      'of-builder 200',
      'github-status',
      'garbage-collect 200',
    ]);
  });

  it('say why a push cannot go live', async () => {
    const missing = await on.begin({ 'README.md': 'x', 'stack.yml': 'functions: 7\n' });
    await on.call('buildshiprun', refOf(missing));
    expect(await on.closed(missing)).to.include({ state: 'failed' });
    on.answerBuild = (response) => response.end('{"status":"failed","error":"exit code 1"}\n');
    const broken = await on.begin({ 'stack.yml': stack('one') });
    await on.call('buildshiprun', refOf(broken));
    expect(await on.closed(broken)).to.include({ state: 'failed' });
    expect(on.functions.size).to.equal(0);
  });

  for (const name of Object.keys(steps)) {
    it(`of ${name} take signed messages only`, async () => {
      const ref = { ...refOf(testPush()), function: 'x', functions: [] };
      expect((await on.call(name, ref, { headers: {} })).status).to.equal(401);
      const foreign = signer.sign({
        receiver: 'echo',
        method: 'POST',
        path: '/',
        body: JSON.stringify(ref),
      });
      expect(
        (await on.call(name, ref, { headers: { [signatureHeader]: foreign } })).status,
      ).to.equal(401);
      expect((await on.call(name, { owner: 'alice' })).status).to.equal(400);
      if (name !== 'garbage-collect') {
        expect((await on.call(name, ref, { method: 'GET' })).status).to.equal(405);
        expect((await on.call(name, ref)).status).to.equal(404);
      }
    });
  }
});
