import { expect } from 'chai';
import { runRouterSoak } from '../soak/run-router-soak.ts';

describe('of-router under mixed load while what stands behind it comes and goes', () => {
  it('gives no wrong answer, lets nothing through, and does not grow', async function () {
    this.timeout(240_000);
    const { problems, statuses, excused } = await runRouterSoak(45, () => undefined);
    expect(problems).to.deep.equal([]);
    // Something was answered, and something was really down.
    expect(statuses['200'] ?? 0).to.be.greaterThan(50);
    expect(excused).to.be.greaterThan(0);
  });
});
