import { writeSync } from 'node:fs';
import { createLogger } from '#shared/log.ts';
import { createQueue } from '../../../local/queue/queue.ts';

/** Puts messages in and delivers them, as fast as it can, until it is killed; says so line by line. */
const [, , folder = '', round = ''] = process.argv;
const say = (text: string): void => void writeSync(1, `${text}\n`);

const queue = await createQueue({
  folder,
  log: createLogger(),
  async invoke({ callId }) {
    say(`delivered ${callId}`);
    await new Promise((resolve) => setImmediate(resolve));
    return { status: 200, headers: [], body: Buffer.alloc(0) };
  },
});
queue.start();

const produce = async (name: string): Promise<void> => {
  for (let count = 0; ; count++) {
    const callId = `${round}-${name}-${count}`;
    await queue.enqueue({
      function: name,
      path: '/',
      headers: [],
      body: Buffer.alloc(512),
      callId,
    });
    say(`acknowledged ${callId}`);
  }
};
await Promise.all(['f1', 'f2', 'f3'].map(produce));
