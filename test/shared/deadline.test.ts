import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import { deadline } from '#shared/deadline.ts';
import { eventually } from '../helpers/eventually.ts';

/** What collects everything that nobody holds. */
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

describe('a deadline', () => {
  it('comes also if nobody holds it but who listens', async () => {
    let reason: unknown;
    deadline(100, new AbortController().signal).signal.addEventListener('abort', (event) => {
      reason = (event.target as AbortSignal).reason;
    });
    await delay(10);
    collect();
    await eventually(() => expect(reason).to.have.property('name', 'TimeoutError'));
  });

  it('comes with the first of its signals, for its reason', () => {
    const [one, two] = [new AbortController(), new AbortController()];
    const { signal } = deadline(60_000, one.signal, two.signal);
    expect(signal.aborted).to.equal(false);
    two.abort('two');
    one.abort('one');
    expect([signal.aborted, signal.reason]).to.deep.equal([true, 'two']);
    expect(deadline(60_000, AbortSignal.abort('before')).signal.reason).to.equal('before');
  });

  it('does not come once it is cleared', async () => {
    const parent = new AbortController();
    const { signal, clear } = deadline(20, parent.signal);
    clear();
    parent.abort();
    // A later one has come, so this one would have.
    const { signal: later } = deadline(40);
    await eventually(() => expect(later.aborted).to.equal(true));
    expect(signal.aborted).to.equal(false);
  });
});
