import { expect } from 'chai';
import { CloudError } from '#shared/errors.ts';
import {
  hostLabel,
  labelValue,
  parseBranch,
  parseFunctionKey,
  parseOwner,
  parseRepoName,
  parseSha,
  reservedOwners,
  secretName,
  serviceName,
  shortSecretName,
  shortSha,
} from '#shared/names.ts';
import { expectCode } from '../helpers/expect-code.ts';

const named = (owner: string, key: string): string =>
  serviceName(parseOwner(owner), parseFunctionKey(key));

const oddBytes = [
  '\0',
  '\n',
  '\r',
  '\t',
  '\x1b',
  '\x7f',
  '\u202e',
  'é',
  'ｅ',
  '💥',
  '\ud800',
  '%2e',
];

describe('names', () => {
  describe('serviceName', () => {
    for (const [owner, key, name] of [
      ['alice', 'hello', 'alice-hello'],
      ['Alice', 'hello', 'alice-hello'],
      ['alice', 'b-c', 'alice-b-c'],
      ['alice-b', 'c', 'alice--b-c'],
      ['a-b-c', 'd', 'a--b--c-d'],
      ['alice-', 'b', 'alice---b'],
      ['a--b', 'c', 'a----hb-c'],
      ['a---b', 'c', 'a----h--b-c'],
      ['1', '2', '1-2'],
      ['my.group', 'fn', 'my----dgroup-fn'],
      ['my_group', 'fn', 'my----ugroup-fn'],
      ['group/sub', 'fn', 'group----ssub-fn'],
      ['group/sub-x/y.z', 'fn', 'group----ssub--x----sy----dz-fn'],
      ['of', 'routers', 'of-routers'],
    ] as const) {
      it(`of ${owner} and ${key} is ${name}`, () => {
        expect(named(owner, key)).to.equal(name);
      });
    }

    it('takes 63 characters and not 64', async () => {
      expect(named('alice', 'x'.repeat(57))).to.have.lengthOf(63);
      const error = await expectCode(() => named('alice', 'x'.repeat(58)), 'OFC_NAME_INVALID');
      expect(error.text).to.include('64 characters').and.include('shorter name');
      await expectCode(() => named('a-'.repeat(19), 'x'.repeat(10)), 'OFC_NAME_INVALID');
    });

    for (const [owner, key] of [
      ['git', 'tar'],
      ['GIT', 'tar'],
      ['of', 'router'],
      ['audit', 'event'],
      ['github', 'status'],
      ['pipeline', 'log'],
      ['import', 'secrets'],
    ] as const) {
      it(`refuses the platform's ${owner}-${key}`, async () => {
        await expectCode(() => named(owner, key), 'OFC_NAME_TAKEN');
      });
    }

    it('refuses an owner whose name cannot begin a DNS label', async () => {
      await expectCode(() => named('_x', 'fn'), 'OFC_NAME_INVALID');
    });
  });

  describe('parseOwner', () => {
    it('folds case', () => {
      expect(parseOwner('AlexEllis')).to.equal('alexellis');
    });

    it('refuses the sub-domains of the platform, in any case', async () => {
      expect(reservedOwners.size).to.be.greaterThan(3);
      for (const owner of reservedOwners) {
        await expectCode(() => parseOwner(owner.toUpperCase()), 'OFC_NAME_INVALID');
      }
    });

    for (const text of [
      ...['', '.', '..', '-a', '/a', 'a/', 'a//b', 'a/../b', 'a/./b', 'a b', 'a:b', 'a@b', 'a\\b'],
      ...['a?b', 'a#b', 'x'.repeat(101), ...oddBytes.map((odd) => `a${odd}b`)],
      ...[undefined, null, 7, ['a'], { toString: () => 'a' }],
    ]) {
      it(`refuses ${JSON.stringify(text) ?? 'undefined'}`, async () => {
        await expectCode(() => parseOwner(text), 'OFC_NAME_INVALID');
      });
    }
  });

  describe('parseRepoName', () => {
    it('keeps case', () => {
      expect(parseRepoName('My.Repo_1-x')).to.equal('My.Repo_1-x');
    });

    for (const text of ['', '.', '..', 'a/b', 'a b', '../x', 'x'.repeat(101), ...oddBytes, 7]) {
      it(`refuses ${JSON.stringify(text)}`, async () => {
        await expectCode(() => parseRepoName(text), 'OFC_NAME_INVALID');
      });
    }
  });

  describe('parseBranch', () => {
    for (const text of [
      'main',
      'feature/x',
      'v1.2',
      'a@b',
      'ünïcode',
      '日本',
      'a-',
      'x'.repeat(244),
    ]) {
      it(`takes ${text.slice(0, 20)}`, () => {
        expect(parseBranch(text)).to.equal(text);
      });
    }

    for (const text of [
      ...['', '-x', '/x', 'x/', 'a//b', 'a..b', '../x', '.x', 'a/.b', 'x.', 'x.lock', 'x.lock/y'],
      ...['a b', 'a~b', 'a^b', 'a:b', 'a?b', 'a*b', 'a[b', 'a\\b', 'a@{b', '@', 'x'.repeat(245)],
      ...['a\0b', 'a\nb', 'a\x7fb', undefined],
    ]) {
      it(`refuses ${JSON.stringify(text) ?? 'undefined'}`, async () => {
        await expectCode(() => parseBranch(text), 'OFC_NAME_INVALID');
      });
    }
  });

  describe('parseSha', () => {
    it('takes 40 and 64 lower-case hex digits, and nothing else', async () => {
      expect(parseSha('a'.repeat(40))).to.equal('a'.repeat(40));
      expect(parseSha('0'.repeat(64))).to.equal('0'.repeat(64));
      const no = ['', 'abc', 'A'.repeat(40), 'g'.repeat(40), 'a'.repeat(41), `${'a'.repeat(40)}\n`];
      for (const text of no) await expectCode(() => parseSha(text), 'OFC_NAME_INVALID');
    });

    it('is shortened to seven digits', () => {
      expect(shortSha(parseSha('04b8e44988'.repeat(4)))).to.equal('04b8e44');
    });
  });

  describe('parseFunctionKey', () => {
    for (const text of [
      '',
      '-a',
      'a-',
      'A',
      'a_b',
      'a.b',
      '../../x',
      'a/b',
      'x'.repeat(64),
      ...oddBytes,
    ]) {
      it(`refuses ${JSON.stringify(text)}`, async () => {
        const error = await expectCode(() => parseFunctionKey(text), 'OFC_NAME_INVALID');
        expect(error.message.length).to.be.lessThan(200);
      });
    }
  });

  describe('shortSecretName', () => {
    const owners = ['alice', 'alice-b', 'a-b', 'a_b', 'a.b', 'group/sub'].map(parseOwner);

    it('gives back what secretName made, to its owner alone', () => {
      for (const owner of owners) {
        for (const name of ['c', 'b-c', 'b--c', 'c-d-e']) {
          const full = secretName(owner, name);
          expect(owners.filter((one) => shortSecretName(one, full) === name)).to.deep.equal([
            owner,
          ]);
          expect(owners.filter((one) => shortSecretName(one, full))).to.deep.equal([owner]);
        }
      }
    });

    it('knows no secret of the platform, and nothing that secretName cannot make', () => {
      expect(shortSecretName(parseOwner('payload'), 'payload-secret')).to.equal(undefined);
      expect(shortSecretName(parseOwner('sealing'), 'sealing-private-key-previous')).to.equal(
        undefined,
      );
      for (const full of [
        'alice',
        'alice-',
        'alice--x',
        'alice-X',
        'alice-x.y',
        'alicex',
        `alice-${'x'.repeat(60)}`,
      ]) {
        expect(shortSecretName(parseOwner('alice'), full), full).to.equal(undefined);
      }
    });
  });

  describe('secretName', () => {
    it('has the owner in front', () => {
      expect(secretName(parseOwner('Alexellis'), 's1')).to.equal('alexellis-s1');
      expect(secretName(parseOwner('a-b'), 'c')).to.equal('a--b-c');
    });

    for (const [owner, name] of [
      ['payload', 'secret'],
      ['payload', 'secret-previous'],
      ['basic', 'auth-user'],
      ['basic', 'auth-password'],
      ['github', 'webhook-secret'],
      ['private', 'key'],
      ['private', 'key-public'],
      ['s3', 'access-key'],
      ['s3', 'secret-key'],
      ['jwt', 'private-key'],
      ['jwt', 'public-key-previous'],
      ['of', 'client-secret'],
    ] as const) {
      it(`refuses the platform's ${owner}-${name}`, async () => {
        await expectCode(() => secretName(parseOwner(owner), name), 'OFC_NAME_TAKEN');
      });
    }

    it('refuses what is no DNS label', async () => {
      for (const name of ['', '../x', 'a/b', 'A', 'a.b', '-a', 'a'.repeat(60)]) {
        await expectCode(() => secretName(parseOwner('alice'), name), 'OFC_NAME_INVALID');
      }
    });
  });

  describe('hostLabel', () => {
    for (const [owner, label] of [
      ['alice', 'alice'],
      ['a-b', 'a-b'],
      ['alice-', 'alice----e'],
      ['a--b', 'a----hb'],
      ['a--', 'a----h'],
      ['a.b', 'a----db'],
      ['a/b-c', 'a----sb--c'],
    ] as const) {
      it(`of ${owner} is ${label}`, () => {
        expect(hostLabel(parseOwner(owner))).to.equal(label);
      });
    }

    it('refuses what is over 63 characters', async () => {
      await expectCode(
        () => hostLabel(parseOwner('a/'.repeat(20).slice(0, -1))),
        'OFC_NAME_INVALID',
      );
      await expectCode(() => hostLabel(parseOwner('a'.repeat(64))), 'OFC_NAME_INVALID');
    });
  });

  describe('labelValue', () => {
    for (const text of ['', 'alice', 'My.Repo_1', 'a'.repeat(63), '04b8e44988'.repeat(4)]) {
      it(`keeps ${JSON.stringify(text)}`, () => {
        expect(labelValue(text)).to.equal(text);
      });
    }

    it('gives a prefix and a digest of what does not fit', () => {
      expect(labelValue('feature/x')).to.match(/^feature-x-[0-9a-f]{20}$/);
      expect(labelValue('alice-')).to.match(/^alice--[0-9a-f]{20}$/);
      expect(labelValue('___')).to.match(/^[0-9a-f]{20}$/);
      expect(labelValue('a'.repeat(64))).to.have.lengthOf(63);
    });

    it('cannot be taken by naming oneself like the value of another', () => {
      for (const victim of ['group/sub', 'alice-', '___', 'x'.repeat(100)]) {
        expect(labelValue(labelValue(victim))).to.not.equal(labelValue(victim));
      }
    });
  });

  it('never repeats more than a line of what it refuses', () => {
    try {
      parseOwner('\n'.repeat(100));
      expect.fail('should have thrown');
    } catch (error) {
      expect(error).to.be.instanceOf(CloudError);
      expect((error as CloudError).message).to.not.include('\n');
    }
  });
});
