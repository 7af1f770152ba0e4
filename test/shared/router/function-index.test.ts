import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import type { FunctionStatus } from '#shared/gateway/function-status.ts';
import { labelValue } from '#shared/names.ts';
import { createFunctionIndex, indexFunctions } from '#shared/router/function-index.ts';
import { eventually } from '../../helpers/eventually.ts';

function status(name: string, owner: string | undefined, cloud = '1'): FunctionStatus {
  const labels: Record<string, string> = { 'com.openfaas.cloud.git-cloud': cloud };
  if (owner !== undefined) labels['com.openfaas.cloud.git-owner'] = owner;
  return { name, image: '', labels, replicas: 1, availableReplicas: 1, invocationCount: 0 };
}

describe('indexFunctions', () => {
  it('takes what an owner deployed under the name that belongs to it', () => {
    const index = indexFunctions([
      status('alice-hello', 'Alice'),
      status('a--b-c', 'a-b'),
      status('bob-x', 'alice'),
      status('alice-', 'alice'),
      status('alice', 'alice'),
      status('alice--x', 'alice'),
      status('alice-y', 'alice', '0'),
      status('alice-z', undefined),
      status('system-x', 'system'),
      status('x-y', '../x'),
      { ...status('git-tar', ''), labels: null },
    ]);
    expect([...index].map(([id, { service }]) => [id, service])).to.deep.equal([
      ['alice/hello', 'alice-hello'],
      ['a-b/c', 'a--b-c'],
    ]);
  });
});

describe('an owner whose name no label can hold', () => {
  const subgroup = (claimed: string) => ({
    ...status('acme----stools-a', labelValue('acme/tools')),
    annotations: { 'com.openfaas.cloud.git-owner': claimed },
  });

  it('is found by the annotation', () => {
    const index = indexFunctions([subgroup('acme/tools')]);
    expect([...index.keys()]).to.deep.equal(['acme----stools/a']);
    expect(index.get('acme----stools/a')?.owner).to.equal('acme/tools');
  });

  it('is not, if label and annotation are of two owners', () => {
    expect(indexFunctions([subgroup('acme/other'), subgroup('alice')]).size).to.equal(0);
  });
});

describe('the annotations in the index', () => {
  it('are those for the platform', () => {
    const annotations = { 'com.openfaas.cloud.auth': 'owner', topic: 'x', 'com.openfaas.x': 'y' };
    const index = indexFunctions([
      { ...status('alice-a', 'alice'), annotations },
      { ...status('alice-b', 'alice'), annotations: null },
    ]);
    expect(index.get('alice/a')?.annotations).to.deep.equal({ 'com.openfaas.cloud.auth': 'owner' });
    expect(index.get('alice/b')?.annotations).to.deep.equal({});
  });
});

describe('createFunctionIndex', () => {
  it('answers a hit at once and refreshes behind it', async () => {
    let functions = [status('alice-a', 'alice')];
    const index = createFunctionIndex({
      list: async () => functions,
      refreshMs: 0,
      missEveryMs: 1,
    });
    await index.find('alice', 'a');
    functions = [];
    expect(index.find('alice', 'a')).to.not.be.instanceOf(Promise);
    await eventually(async () => expect(await index.find('alice', 'a')).to.equal(undefined));
  });

  it('does not answer a miss from a list that was asked for before', async () => {
    let functions: FunctionStatus[] = [];
    let lists = 0;
    const index = createFunctionIndex({
      list: async () => {
        lists += 1;
        const now = functions;
        await delay(50);
        return now;
      },
      refreshMs: 1000,
      missEveryMs: 1,
    });
    const early = index.find('alice', 'a');
    await eventually(() => expect(lists).to.equal(1));
    functions = [status('alice-a', 'alice')];
    const late = await index.find('alice', 'a');
    expect(late).to.include({ service: 'alice-a', owner: 'alice' });
    await early;
    expect(lists).to.equal(2);
  });

  it('tells a miss that the gateway is out, and recovers', async () => {
    let broken = true;
    const index = createFunctionIndex({
      list: async () => {
        if (broken) throw new Error('out');
        return [status('alice-a', 'alice')];
      },
      refreshMs: 1000,
      missEveryMs: 1,
    });
    const failure = await Promise.resolve(index.find('alice', 'a')).catch((error) => error);
    expect(failure).to.be.instanceOf(Error);
    broken = false;
    expect(await index.find('alice', 'a')).to.include({ service: 'alice-a' });
  });
});
