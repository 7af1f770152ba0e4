import { expect } from 'chai';
import { parseFunctionKey, parseOwner, parseRepoName, parseSha } from '#shared/names.ts';
import { createPublicUrls } from '#shared/public-urls.ts';
import { expectCode } from '../helpers/expect-code.ts';

const publicUrl = 'http://localhost:8080';
const urls = (prettyUrl = '') => createPublicUrls({ publicUrl, prettyUrl });
const alex = parseOwner('alexellis');
const tester = parseFunctionKey('tester');
const sha = parseSha('98'.repeat(20));

describe('public addresses', () => {
  it('are the gateway’s without a pretty URL', () => {
    expect(urls().function(alex, tester)).to.equal(`${publicUrl}/function/alexellis-tester`);
    // The original: /function/system-dashboard. There is no such function here.
    expect(urls().home()).to.equal(`${publicUrl}/`);
  });

  for (const [pretty, fn, home] of [
    [
      'https://user.openfaas-cloud.com/function',
      'https://alexellis.openfaas-cloud.com/tester',
      'https://system.openfaas-cloud.com/',
    ],
    [
      'https://user.function.openfaas-cloud.com/function',
      'https://alexellis.function.openfaas-cloud.com/tester',
      'https://system.function.openfaas-cloud.com/',
    ],
    [
      'http://user.function.openfaas-cloud.com/function',
      'http://alexellis.function.openfaas-cloud.com/tester',
      'http://system.function.openfaas-cloud.com/',
    ],
    [
      'https://user.functionopenfaas-cloud.com/function',
      'https://alexellis.functionopenfaas-cloud.com/tester',
      'https://system.functionopenfaas-cloud.com/',
    ],
    [
      'https://user.function.function/function/',
      'https://alexellis.function.function/tester',
      'https://system.function.function/',
    ],
    [
      'http://user.localhost:8080',
      'http://alexellis.localhost:8080/tester',
      'http://system.localhost:8080/',
    ],
  ] as const) {
    it(`follow ${pretty}`, () => {
      expect(urls(pretty).function(alex, tester)).to.equal(fn);
      // The original: …/dashboard/<Owner>.
      expect(urls(pretty).home()).to.equal(home);
    });
  }

  it('replace the owner only where it stands for one', () => {
    const pretty = 'https://user.user.example.com/function';
    expect(urls(pretty).function(alex, tester)).to.equal(
      'https://alexellis.user.example.com/tester',
    );
  });

  it('fold the case of owners', () => {
    const name = urls('https://user.x.com').function(parseOwner('Alexellis'), tester);
    expect(name).to.equal('https://alexellis.x.com/tester');
  });

  it('never give two owners one host', () => {
    const of = (owner: string) => urls('https://user.x.com').function(parseOwner(owner), tester);
    expect(of('a-b')).to.equal('https://a-b.x.com/tester');
    expect(of('a.b')).to.not.equal(of('a-b'));
    expect(of('a.b')).to.match(/^https:\/\/[a-z0-9-]+\.x\.com\/tester$/);
  });

  // The original: <system>/dashboard/<owner>/<fn>/log?repoPath=…&commitSHA=…
  it('lead to a build log', () => {
    const log = {
      owner: alex,
      repo: parseRepoName('cloud-func-repo'),
      sha,
      function: 'cloud-func',
    };
    const query = `owner=alexellis&repo=cloud-func-repo&sha=${sha}&function=cloud-func`;
    expect(urls('https://user.o6s.io/function').log(log)).to.equal(
      `https://system.o6s.io/pipeline-log?${query}`,
    );
    expect(urls().log(log)).to.equal(`${publicUrl}/function/pipeline-log?${query}`);
  });

  // The original guessed the system host from any host: http://10.0.0.1:8080 → http://system.0.0.1:8080.
  it('are refused for a pretty URL that does not say where the owner stands', async () => {
    for (const pretty of [
      'https://cloud.o6s.io/',
      'http://10.0.0.1:8080/',
      'cloud',
      'ftp://user.x',
    ]) {
      await expectCode(() => urls(pretty), 'OFC_CONFIG');
    }
  });
});
