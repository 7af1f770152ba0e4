import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { createLogger } from '#shared/log.ts';
import { createQueue } from '../../../local/queue/queue.ts';
import { eventually } from '../../helpers/eventually.ts';
import { tempDir } from '../../helpers/temp-dir.ts';

const child = fileURLToPath(new URL('./crash.child.ts', import.meta.url));

describe('queue: kill -9', () => {
  it('loses nothing that it has acknowledged, at any moment', async () => {
    const dir = await tempDir();
    const acknowledged = new Set<string>();
    const delivered = new Map<string, number>();
    try {
      for (let round = 0; round < 4; round++) {
        const before = acknowledged.size;
        const process = start(dir.path, round);
        const lines = createInterface({ input: process.stdout ?? raise() });
        lines.on('line', (line) => {
          const [what, id = ''] = line.split(' ');
          if (what === 'acknowledged') acknowledged.add(id);
          else delivered.set(id, (delivered.get(id) ?? 0) + 1);
        });
        // Killed while it takes messages, delivers them and finishes them.
        await eventually(() => expect(acknowledged.size - before).to.be.above(50 + round * 31));
        const ended = once(lines, 'close');
        process.kill('SIGKILL');
        await ended;
      }
      const queue = await createQueue({
        folder: dir.path,
        log: createLogger({}, () => undefined),
        async invoke({ callId }) {
          delivered.set(callId, (delivered.get(callId) ?? 0) + 1);
          return { status: 200, headers: [], body: Buffer.alloc(0) };
        },
      });
      const left = queue.stats();
      queue.start();
      await eventually(() => expect(queue.stats()).to.include({ depth: 0, running: 0 }));
      await queue.close();
      expect(left.dead).to.equal(0);
      expect([...acknowledged].filter((id) => !delivered.has(id))).to.deep.equal([]);
      expect(acknowledged.size).to.be.above(300);
    } finally {
      await dir.remove();
    }
  }).timeout(60_000);
});

function start(folder: string, round: number): ChildProcess {
  return spawn(process.execPath, ['--import', 'tsx', child, folder, String(round)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

function raise(): never {
  throw new Error('the child has no output');
}
