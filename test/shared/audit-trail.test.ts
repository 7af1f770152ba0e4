import { expect } from 'chai';
import { auditKey, readAudit } from '#shared/audit-trail.ts';
import { parseOwner } from '#shared/names.ts';
import { putJson } from '#shared/object-store/json.ts';
import { createMemoryObjectStore } from '../helpers/memory-object-store.ts';

const day = 86_400;
const start = 1_700_000_000;

describe('the audit trail', () => {
  const store = createMemoryObjectStore();
  const add = async (seconds: number, owner: string | undefined, message: string) => {
    const { key, time } = auditKey(`v1,${seconds},${message}`, owner);
    const whose = owner === undefined ? {} : { owner };
    await putJson(store, key, { time, source: 'test', message, ...whose });
  };
  const messages = async (owner: string | undefined, before?: string, limit = 3) => {
    const whose = owner === undefined ? {} : { owner: parseOwner(owner) };
    const from = before === undefined ? {} : { before };
    const { entries, next } = await readAudit(store, { ...whose, ...from, limit });
    return { said: entries.map(({ message }) => message), next };
  };

  before(async () => {
    // An owner who was quiet for long, others who are not, one whose name needs escapes.
    await add(start, 'alice', 'alice 0');
    for (let n = 1; n <= 40; n++) await add(start + n * day, 'Bob', `bob ${n}`);
    await add(start + 41 * day, 'alice', 'alice 1');
    await add(start + 41 * day + 1, 'group/sub', 'group 1');
    await add(start + 41 * day + 2, undefined, 'nobody 1');
    // As it was written before owners stood in keys.
    const old = { time: 'x', source: 'old', message: 'old 1', owner: 'alice' };
    await putJson(store, `audit/2023-11-20/000000-${'0'.repeat(16)}.json`, old);
  });

  it('gives an owner theirs, newest first, however long ago', async () => {
    const first = await messages('alice');
    expect(first.said).to.deep.equal(['alice 1', 'alice 0']);
    expect(first.next).to.equal(undefined);
    expect((await messages('group/sub')).said).to.deep.equal(['group 1']);
    expect((await messages('bo')).said).to.deep.equal([]);
  });

  it('gives operators all, page by page, each entry once', async () => {
    const all: string[] = [];
    let next: string | undefined;
    do {
      const page = await messages(undefined, next, 7);
      all.push(...page.said);
      next = page.next;
    } while (next !== undefined);
    expect(all).to.have.length(45);
    expect(new Set(all).size).to.equal(45);
    expect(all.slice(0, 4)).to.deep.equal(['nobody 1', 'group 1', 'alice 1', 'bob 40']);
    expect(all.at(-1)).to.equal('alice 0');
  });

  it('pages through what one owner has', async () => {
    const first = await messages('bob', undefined, 30);
    const second = await messages('bob', first.next, 30);
    expect([first.said.length, second.said.length]).to.deep.equal([30, 10]);
    expect(second.said.at(-1)).to.equal('bob 1');
  });

  it('gives one message one key', () => {
    expect(auditKey('v1,5,abc', 'A')).to.deep.equal(auditKey('v1,5,abc', 'a'));
    expect(auditKey('v1,5,abc', 'a').key).to.match(
      /^audit\/1970-01-01\/000005-[0-9a-f]{16}-a\.json$/,
    );
  });
});
