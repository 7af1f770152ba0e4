import { expect } from 'chai';
import { createStartGate } from '../../../local/provider/start-gate.ts';
import { eventually } from '../../helpers/eventually.ts';

const longTime = 60_000;

describe('the gate for starts of replicas', () => {
  let begun: string[];
  let becomeReady: Map<string, (ready: boolean) => void>;
  const replica = (name: string) => async () => {
    begun.push(name);
    return { ready: new Promise<boolean>((resolve) => becomeReady.set(name, resolve)) };
  };

  beforeEach(() => {
    begun = [];
    becomeReady = new Map();
  });

  it('lets so many start at a time, the others in their order as those become ready or fail', async () => {
    const gate = createStartGate(2, longTime);
    for (const name of ['a', 'b', 'c', 'd', 'e']) void gate.pass(replica(name));
    await eventually(() => expect(begun).to.deep.equal(['a', 'b']));
    becomeReady.get('b')?.(true);
    await eventually(() => expect(begun).to.deep.equal(['a', 'b', 'c']));
    becomeReady.get('c')?.(false);
    becomeReady.get('a')?.(true);
    await eventually(() => expect(begun).to.deep.equal(['a', 'b', 'c', 'd', 'e']));
  });

  it('does not wait for long for one that never becomes ready', async () => {
    const gate = createStartGate(1, 10);
    void gate.pass(replica('deaf'));
    void gate.pass(replica('next'));
    await eventually(() => expect(begun).to.deep.equal(['deaf', 'next']));
  });

  it('hands a failure to its caller and the place to the next', async () => {
    const gate = createStartGate(1, longTime);
    const failed = gate.pass(() => Promise.reject(new Error('no such secret')));
    void gate.pass(replica('next'));
    const error = await failed.catch((thrown: unknown) => thrown);
    expect(error).to.have.property('message', 'no such secret');
    await eventually(() => expect(begun).to.deep.equal(['next']));
  });
});
