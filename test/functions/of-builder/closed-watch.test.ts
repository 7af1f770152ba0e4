import { once } from 'node:events';
import { expect } from 'chai';
import { refOf } from '#shared/pipeline/deployment.ts';
import { createClosedWatch } from '../../../functions/of-builder/closed-watch.ts';
import { testPush } from '../../helpers/pipeline-fixtures.ts';

describe('watch over the end of deployments', () => {
  const ref = refOf(testPush());
  const other = refOf(testPush({ receivedAt: 1 }));

  it('is one for all builds of a deployment, until the last of them stops', async () => {
    const closed = new Set<string>();
    const asked: string[] = [];
    const watch = createClosedWatch(
      {
        isClosed: async ({ id }) => {
          asked.push(id);
          return closed.has(id);
        },
      },
      5,
    );
    const [first, second, others] = [watch(ref), watch(ref), watch(other)];
    expect(second.signal).to.equal(first.signal);
    expect(others.signal).not.to.equal(first.signal);
    first.stop();
    closed.add(ref.id);
    await once(second.signal, 'abort');
    expect(others.signal.aborted).to.equal(false);
    second.stop();
    asked.length = 0;
    closed.add(other.id);
    await once(others.signal, 'abort');
    expect(asked).not.to.include(ref.id);
    others.stop();
    // A watch that begins afterwards looks for itself.
    closed.clear();
    const later = watch(ref);
    expect(later.signal.aborted).to.equal(false);
    later.stop();
  });
});
