import { expect } from 'chai';
import fc from 'fast-check';
import { CloudError } from '#shared/errors.ts';
import {
  parseBranch,
  parseFunctionKey,
  parseOwner,
  parseRepoName,
  parseSha,
} from '#shared/names.ts';
import { imageName, pullName } from '#shared/registry/image-name.ts';
import { formatImageReference, parseImageReference } from '#shared/registry/image-reference.ts';

const sha = '04b8e44988000000000000000000000000000000';

function name(changes: Record<string, string | undefined> = {}): string {
  const all = {
    url: 'registry:5000',
    owner: 'alexellis',
    repo: 'go-fns-tester',
    key: 'fn1',
    image: 'alexellis2/func',
    branch: 'master',
    ...changes,
  };
  return imageName({
    pushRepositoryUrl: all.url ?? '',
    owner: parseOwner(all.owner),
    repo: parseRepoName(all.repo),
    functionKey: parseFunctionKey(all.key),
    image: all.image,
    branch: parseBranch(all.branch),
    sha: parseSha(sha),
  });
}

describe('imageName', () => {
  const own = 'registry:5000/alexellis/go-fns-tester-func';

  it('gives the names of the original', () => {
    expect(name({ image: 'func:0.2' })).to.equal(`${own}:0.2-master-04b8e44`);
    expect(name({ image: 'alexellis2/func:0.2' })).to.equal(`${own}:0.2-master-04b8e44`);
    expect(name()).to.equal(`${own}:latest-master-04b8e44`);
    expect(name({ url: 'docker.io/of-community/' })).to.equal(
      'docker.io/of-community/alexellis-go-fns-tester-func:latest-master-04b8e44',
    );
  });

  it('makes lower case and a valid tag where the original made neither', () => {
    const image = name({
      url: 'docker.io/Org/',
      owner: 'OwNer',
      repo: 'Re.Po',
      image: 'Foo/Bar/Func-X:0.1',
      branch: 'feature/x',
    });
    expect(image).to.match(
      /^docker\.io\/org\/owner-re\.po-func-x:0\.1-feature-x-[0-9a-f]{8}-04b8e44$/,
    );
  });

  it('takes the function key where the image is empty, as the original did not', () => {
    for (const image of [undefined, '', '  ', 'registry.io/']) {
      expect(name({ image })).to.equal(
        'registry:5000/alexellis/go-fns-tester-fn1:latest-master-04b8e44',
      );
    }
  });

  it('doubles the hyphens of an owner in a shared account', () => {
    const url = 'docker.io/of/';
    const one = name({ url, owner: 'alice-b', repo: 'c' });
    const other = name({ url, owner: 'alice', repo: 'b-c' });
    expect(one).to.equal('docker.io/of/alice--b-c-func:latest-master-04b8e44');
    expect(other).to.equal('docker.io/of/alice-b-c-func:latest-master-04b8e44');
  });

  it('keeps branches apart that sanitise to the same tag', () => {
    expect(name({ branch: 'feature/x' })).not.to.equal(name({ branch: 'feature-x' }));
    const long = 'b'.repeat(200);
    expect(name({ branch: `${long}1` })).not.to.equal(name({ branch: `${long}2` }));
  });

  it('refuses a digest or a bad tag in stack.yml', () => {
    for (const image of [`func@sha256:${'a'.repeat(64)}`, 'func:-x', 'func:', 'func:a b']) {
      expect(() => name({ image }))
        .to.throw(CloudError)
        .with.property('code', 'OFC_STACK_INVALID');
    }
  });

  it('refuses a push URL that makes no image name', () => {
    for (const url of ['', '/', 'https://registry:5000', 'node', 'reg:5000//', 'reg:5000/a b']) {
      expect(() => name({ url }), url)
        .to.throw(CloudError)
        .with.property('code', 'OFC_CONFIG');
    }
  });

  const word = fc.stringMatching(/^[a-z0-9_][a-z0-9._-]{0,12}$/).filter(isOwner);

  it('is always a valid reference of at most 128 characters of tag', () => {
    fc.assert(
      fc.property(word, word, fc.string(), fc.boolean(), (owner, repo, branch, shared) => {
        fc.pre(isBranch(branch));
        const image = name({ url: shared ? 'r.io/x/' : 'r.io', owner, repo, branch });
        expect(formatImageReference(parseImageReference(image))).to.equal(image);
      }),
    );
  });

  it('never gives two owners one repository', () => {
    const part = fc.stringMatching(/^[ab_][ab._-]{0,4}$/).filter(isOwner);
    fc.assert(
      fc.property(part, part, part, part, fc.boolean(), (owner, repo, other, otherRepo, shared) => {
        fc.pre(owner !== other);
        const url = shared ? 'r.io/x/' : 'r.io';
        const one = name({ url, owner, repo });
        expect(one).not.to.equal(name({ url, owner: other, repo: otherRepo }));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('pullName', () => {
  const rows: [string, string, string, string][] = [
    [
      'docker.io/of-community/',
      'docker.io/of-community/',
      'docker.io/of-community/function-name/',
      'docker.io/of-community/function-name/',
    ],
    [
      'registry:5000',
      '127.0.0.1:5000',
      'registry:5000/username/function-name/',
      '127.0.0.1:5000/username/function-name/',
    ],
    [
      'registry:31115',
      '127.0.0.1:31115',
      'registry:31115/username/f',
      '127.0.0.1:31115/username/f',
    ],
    ['registry:31115', '127.0.0.1', 'registry:31115/username/f', '127.0.0.1/username/f'],
    ['registry:50', 'x', 'registry:5000/a', 'registry:5000/a'],
    ['r', 'x', 'other/r/a', 'other/r/a'],
    ['docker.io/Org/', 'mirror/org/', 'docker.io/org/a-b:t', 'mirror/org/a-b:t'],
  ];
  for (const [push, pull, image, expected] of rows) {
    it(`${push} → ${pull}: ${image}`, () => {
      expect(pullName(image, { push, pull })).to.equal(expected);
    });
  }
});

function isOwner(text: string): boolean {
  try {
    return parseOwner(text) !== undefined;
  } catch {
    return false;
  }
}

function isBranch(text: string): boolean {
  try {
    return parseBranch(text) !== undefined;
  } catch {
    return false;
  }
}
