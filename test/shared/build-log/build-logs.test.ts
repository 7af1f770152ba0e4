import { expect } from 'chai';
import fc from 'fast-check';
import { createBuildLogs, maxLogBytes } from '#shared/build-log/build-logs.ts';
import { cutNotice, gapNotice } from '#shared/build-log/join-parts.ts';
import { type LogName, logKey, parsePartKey, partKey } from '#shared/build-log/log-keys.ts';
import { parseFunctionKey, parseOwner, parseRepoName, parseSha } from '#shared/names.ts';
import { createMemoryObjectStore } from '../../helpers/memory-object-store.ts';

const name: LogName = {
  owner: parseOwner('alexellis'),
  repo: parseRepoName('super-cake'),
  sha: parseSha('af6db'.repeat(8)),
  function: parseFunctionKey('slack-fn'),
};
const run = 'run-1';

function setUp() {
  const store = createMemoryObjectStore();
  return { store, logs: createBuildLogs(store) };
}

const text = async (logs: ReturnType<typeof createBuildLogs>) =>
  (await logs.read(name))?.toString();

describe('build logs', () => {
  // The original: pipeline/alexellis/super-cake/af6db/slack-fn/build.log, with the bucket in the key.
  it('have the key of the original below logs/', () => {
    expect(logKey(name)).to.equal(`logs/alexellis/super-cake/${name.sha}/slack-fn/build.log`);
    expect(parsePartKey(name, partKey(name, 'a/../b', 7, true))).to.include({
      seq: 7,
      final: true,
      run: 'a~2F..~2Fb',
    });
  });

  it('are whole after the last part, and nothing else is left', async () => {
    const { logs, store } = setUp();
    expect(await logs.read(name)).to.equal(undefined);
    await logs.add(name, { run, seq: 0, text: 'one\n', final: false });
    expect(await text(logs)).to.equal('one\n');
    await logs.add(name, { run, seq: 1, text: 'two\n', final: true });
    expect(await text(logs)).to.equal('one\ntwo\n');
    expect([...store.objects.keys()].map((key) => key.split('/').at(-1)).sort()).to.deep.equal([
      'build.log',
      'summary.json',
    ]);
  });

  it('are the same in whatever order and however often the parts come', async () => {
    const parts = ['a\n', 'b\n', 'c\n', 'd\n'].map((line, seq) => ({
      run,
      seq,
      text: line,
      final: seq === 3,
    }));
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray([...parts, ...parts, ...parts], { minLength: 12 }),
        async (order) => {
          const { logs } = setUp();
          for (const part of order) await logs.add(name, part);
          expect(await text(logs)).to.equal('a\nb\nc\nd\n');
        },
      ),
      { numRuns: 50 },
    );
  });

  it('say where a part is missing, until it comes', async () => {
    const { logs, store } = setUp();
    await logs.add(name, { run, seq: 0, text: 'one\n', final: false });
    await logs.add(name, { run, seq: 2, text: 'three\n', final: true });
    expect(await text(logs)).to.equal(`one\n${gapNotice}three\n`);
    await logs.add(name, { run, seq: 1, text: 'two\n', final: false });
    expect(await text(logs)).to.equal('one\ntwo\nthree\n');
    expect(store.objects.size).to.equal(2);
  });

  it('keep the end of what is too long, and say so', async () => {
    const { logs } = setUp();
    const line = `${'x'.repeat(1023)}\n`;
    for (let seq = 0; seq < 9; seq += 1) {
      await logs.add(name, { run, seq, text: line.repeat(512), final: false });
    }
    await logs.add(name, { run, seq: 9, text: 'the error\n', final: true });
    const log = (await text(logs)) ?? '';
    expect(log.startsWith(cutNotice)).to.equal(true);
    expect(log.endsWith('x\nthe error\n')).to.equal(true);
    expect(log.length).to.equal(maxLogBytes + cutNotice.length);
    expect((await logs.summary(name))?.bytes).to.equal(9 * 512 * 1024 + 10);
  });

  it('are replaced as a whole when the same commit is built again', async () => {
    const { logs } = setUp();
    await logs.add(name, { run, seq: 0, text: 'first\n', final: true });
    await logs.add(name, { run: 'run-2', seq: 0, text: 'second\n', final: false });
    expect(await text(logs)).to.equal('first\n');
    await logs.add(name, { run, seq: 0, text: 'first\n', final: true });
    await logs.add(name, { run: 'run-2', seq: 1, text: 'more\n', final: true });
    expect(await text(logs)).to.equal('second\nmore\n');
  });

  it('of other functions, commits and owners stay apart', async () => {
    const { logs } = setUp();
    await logs.add(name, { run, seq: 0, text: 'mine\n', final: true });
    for (const other of [
      { ...name, owner: parseOwner('alex') },
      { ...name, sha: parseSha('0'.repeat(40)) },
      { ...name, function: parseFunctionKey('slack') },
    ]) {
      expect(await logs.read(other)).to.equal(undefined);
    }
  });
});
