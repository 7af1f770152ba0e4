import { expect } from 'chai';
import { createLogger } from '#shared/log.ts';

describe('createLogger', () => {
  it('writes one JSON line with base, inherited and own fields', () => {
    const lines: string[] = [];
    const log = createLogger({ function: 'echo' }, (line) => lines.push(line));
    log.with({ callId: 'c1' }).warn('slow\nanswer', { ms: 12 });
    expect(lines).to.have.length(1);
    expect(lines[0]?.indexOf('\n')).to.equal((lines[0]?.length ?? 0) - 1);
    expect(JSON.parse(lines[0] ?? '')).to.include({
      level: 'warn',
      message: 'slow\nanswer',
      function: 'echo',
      callId: 'c1',
      ms: 12,
    });
  });
});
