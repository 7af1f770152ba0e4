import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { deflateSync } from 'node:zlib';
import { expect } from 'chai';
import fc from 'fast-check';
import { CloudError } from '#shared/errors.ts';
import { inspectPack } from '#shared/git/inspect-pack.ts';
import { type GitRepo, gitRepo } from '../../helpers/git-repo.ts';

const run = promisify(execFile);
const limits = { maxObjects: 50, maxObjectBytes: 100_000, maxTotalBytes: 150_000 };

/** A size as the head of a pack's object has it: four bits beside the kind, then groups of seven. */
function objectHead(kind: number, size: number): Buffer {
  const bytes = [(kind << 4) | (size & 15)];
  for (let rest = Math.floor(size / 16); rest > 0; rest = Math.floor(rest / 128)) {
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) | 0x80;
    bytes.push(rest & 0x7f);
  }
  return Buffer.from(bytes);
}

function groupsOfSeven(size: number): Buffer {
  const bytes = [size & 0x7f];
  for (let rest = Math.floor(size / 128); rest > 0; rest = Math.floor(rest / 128)) {
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) | 0x80;
    bytes.push(rest & 0x7f);
  }
  return Buffer.from(bytes);
}

function packOf(objects: readonly Buffer[], count = objects.length): Buffer {
  const head = Buffer.from('PACK\0\0\0\x02\0\0\0\0', 'latin1');
  head.writeUInt32BE(count, 8);
  return Buffer.concat([head, ...objects, Buffer.alloc(20)]);
}

const blob = (content: Buffer, claimed = content.length) =>
  Buffer.concat([objectHead(3, claimed), deflateSync(content)]);

function refused(pack: Buffer): CloudError {
  try {
    inspectPack(pack, limits);
  } catch (error) {
    if (error instanceof CloudError) return error;
    throw error;
  }
  throw new Error('It was not refused.');
}

describe('inspecting a pack', () => {
  let repo: GitRepo;
  before(async () => {
    repo = await gitRepo('unused');
  });
  after(() => repo.remove());

  const packed = async (...args: string[]) => {
    const packing = run('git', ['pack-objects', '--stdout', '--all', '-q', ...args], {
      cwd: repo.folder,
      encoding: 'buffer',
    });
    packing.child.stdin?.end();
    return (await packing).stdout;
  };

  it('finds no fault with what git makes, deltas of both kinds included', async () => {
    const lines = Array.from({ length: 2000 }, (_, line) => `line ${line}`);
    await repo.commit({ 'a.txt': lines.join('\n'), 'dir/b.txt': 'b' });
    await repo.commit({ 'a.txt': [...lines, 'one more'].join('\n') });
    for (const args of [[], ['--delta-base-offset'], ['--depth=0']]) {
      const pack = await packed(...args);
      expect(() => inspectPack(pack, limits), args.join()).to.not.throw();
    }
  });

  it('refuses an object that inflates to more than it may, whatever its head claims', () => {
    for (const claimed of [10, 100, 50_000_000]) {
      const pack = packOf([blob(Buffer.alloc(50_000_000), claimed)]);
      expect(pack.length).to.be.lessThan(limits.maxObjectBytes);
      const { code, text } = refused(pack);
      expect(code).to.equal('OFC_SOURCE_REFUSED');
      expect(text).to.include('large files');
    }
  });

  it('refuses many objects that are too much together', () => {
    expect(refused(packOf([1, 2, 3].map(() => blob(Buffer.alloc(60_000))))).code).to.equal(
      'OFC_SOURCE_REFUSED',
    );
  });

  it('refuses more objects than there may be, before it looks at them', () => {
    expect(refused(packOf([], limits.maxObjects + 1)).code).to.equal('OFC_SOURCE_REFUSED');
  });

  it('refuses a delta that makes much of little', () => {
    const delta = Buffer.concat([groupsOfSeven(10), groupsOfSeven(5_000_000_000)]);
    for (const base of [
      [objectHead(6, delta.length), Buffer.from([12])],
      [objectHead(7, delta.length), Buffer.alloc(20)],
    ]) {
      const object = Buffer.concat([...base, deflateSync(delta)]);
      expect(refused(packOf([object])).code).to.equal('OFC_SOURCE_REFUSED');
    }
  });

  it('refuses what is not a pack, or not a whole one', async () => {
    const whole = await packed();
    for (const pack of [
      Buffer.alloc(0),
      Buffer.from('PACK'),
      Buffer.alloc(100),
      whole.subarray(0, whole.length / 2),
      packOf([Buffer.from([0x00, 1, 2, 3])]),
      packOf([Buffer.from([0xff])]),
    ]) {
      expect(refused(pack).code).to.equal('OFC_CLONE');
    }
  });

  it('never fails in another way, whatever bytes it gets', async () => {
    const whole = await packed();
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }),
        (changes) => {
          const pack = Buffer.from(whole);
          for (const [at, byte] of changes) pack[at] = byte;
          try {
            inspectPack(pack, limits);
          } catch (error) {
            expect(error).to.be.instanceOf(CloudError);
          }
        },
      ),
    );
  });
});
