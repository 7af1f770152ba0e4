import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { fetchCommit } from '#shared/git/fetch-commit.ts';
import { withSubmodules } from '#shared/git/submodules.ts';
import { parseSha } from '#shared/names.ts';
import { expectCode } from '../../helpers/expect-code.ts';
import { answerGit } from '../../helpers/git-http-server.ts';
import { type GitRepo, gitRepo } from '../../helpers/git-repo.ts';
import { listen, type TestServer } from '../../helpers/listen.ts';
import { tempDir } from '../../helpers/temp-dir.ts';

const limits = { maxBytes: 5 * 1024 * 1024, timeoutMs: 15_000 };
const access = { username: 'x-access-token', password: 's3cret' };

describe('submodules and Git LFS', () => {
  let repo: GitRepo;
  let library: GitRepo;
  let host: TestServer;
  let evil: TestServer;
  let librarySha: string;
  const asked: { host: string; url: string; authorization: string | undefined }[] = [];

  before(async () => {
    repo = await gitRepo('unused');
    library = await gitRepo('unused');
    librarySha = await library.commit({ 'lib/index.js': 'shared', 'README.md': 'lib' });
    const record = (name: string, request: Parameters<Parameters<typeof listen>[0]>[0]) => {
      const { authorization } = request.headers;
      asked.push({ host: name, url: request.url ?? '', authorization });
    };
    host = await listen((request, response) => {
      record('host', request);
      const [, name = '', rest = ''] = /^\/alice\/(\w+)\.git(\/.*)$/.exec(request.url ?? '') ?? [];
      const isPrivate = name === 'app';
      if (isPrivate && request.headers.authorization === undefined) {
        response.writeHead(401, { 'www-authenticate': 'Basic' }).end();
        return;
      }
      void answerGit(isPrivate ? repo.folder : library.folder, rest, request, response);
    });
    evil = await listen((request, response) => {
      record('evil', request);
      response.writeHead(404).end();
    });
  });
  after(async () => {
    await host.close();
    await evil.close();
    await repo.remove();
    await library.remove();
  });
  beforeEach(() => {
    asked.length = 0;
  });

  const commitWith = async (url: string) => {
    await repo.commit({
      '.gitmodules': `[submodule "lib"]\n\tpath = vendor/lib\n\turl = ${url}\n`,
    });
    await repo.git('update-index', '--add', '--cacheinfo', `160000,${librarySha},vendor/lib`);
    await repo.git('commit', '--quiet', '--allow-empty', '--message=A submodule');
    const sha = await repo.git('rev-parse', 'HEAD');
    const address = `${host.url}/alice/app.git`;
    const commit = await fetchCommit({ url: address, sha: parseSha(sha), access }, limits);
    return withSubmodules(commit, address, (at, id) => fetchCommit({ url: at, sha: id }, limits));
  };

  it('reads a submodule in its place, without the credentials of the repo', async () => {
    const { tree, remove } = await commitWith('../lib.git');
    expect((await tree.list('vendor'))?.map(({ path, kind }) => [path, kind])).to.deep.equal([
      ['vendor/lib', 'directory'],
    ]);
    expect((await tree.list('vendor/lib'))?.map(({ path }) => path)).to.deep.equal([
      'vendor/lib/README.md',
      'vendor/lib/lib',
    ]);
    expect(String(await tree.read('vendor/lib/lib/index.js'))).to.equal('shared');
    const ofLibrary = asked.filter(({ url }) => url.includes('/lib.git'));
    expect(ofLibrary).to.have.length.above(0);
    expect(ofLibrary.every(({ authorization }) => authorization === undefined)).to.equal(true);
    await remove();
  });

  it('says of a private one that it must be public: whoever pushes here may not read there', async () => {
    const { tree, remove } = await commitWith('../app.git');
    const error = await expectCode(tree.list('vendor/lib'), 'OFC_CLONE');
    expect(error.text)
      .to.contain('The submodule "vendor/lib" cannot be read')
      .and.to.contain('fetched without credentials');
    // The repo itself was read with them, the submodule of the same host was not.
    const given = asked.map(({ authorization }) => authorization !== undefined);
    expect(given).to.include(true);
    expect(given.at(-1)).to.equal(false);
    await remove();
  });

  it('refuses one elsewhere, and asks nobody there', async () => {
    const port = evil.url.slice('http://'.length);
    for (const url of [
      `${evil.url}/lib.git`,
      `//${port}/lib.git`,
      `${host.url.replace('//', '//user:token@')}/alice/lib.git`,
      'file:///etc',
      'ssh://git@localhost/lib.git',
      'ext::sh -c id',
    ]) {
      const { tree, remove } = await commitWith(url);
      await expectCode(tree.list('vendor/lib'), 'OFC_SOURCE_REFUSED');
      await remove();
    }
    expect(asked.filter(({ host: name }) => name === 'evil')).to.deep.equal([]);
  });

  it('refuses a pointer of Git LFS by name, and asks no server that the repo names', async () => {
    const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 9\n`;
    const sha = await repo.commit({
      '.lfsconfig': `[lfs]\n\turl = ${evil.url}/lfs\n`,
      'model.bin': pointer,
    });
    const url = `${host.url}/alice/app.git`;
    const { tree, remove } = await fetchCommit({ url, sha: parseSha(sha), access }, limits);
    const error = await expectCode(tree.read('model.bin'), 'OFC_SOURCE_REFUSED');
    expect(error.text).to.contain('model.bin').and.to.contain('Git LFS');
    await remove();
    expect(asked.filter(({ host: name }) => name === 'evil')).to.deep.equal([]);
  });

  it('obeys no url.insteadOf, whether of the user or of the repo', async () => {
    const home = await tempDir();
    const config = `[url "${evil.url}/"]\n\tinsteadOf = ${host.url}/\n`;
    await writeFile(join(home.path, '.gitconfig'), config);
    await mkdir(join(home.path, '.config/git'), { recursive: true });
    await writeFile(join(home.path, '.config/git/config'), config);
    const sha = await repo.commit({ '.gitconfig': config });
    const before = process.env['HOME'];
    process.env['HOME'] = home.path;
    try {
      const url = `${host.url}/alice/app.git`;
      await (await fetchCommit({ url, sha: parseSha(sha), access }, limits)).remove();
    } finally {
      if (before === undefined) delete process.env['HOME'];
      else process.env['HOME'] = before;
      await home.remove();
    }
    expect(asked.filter(({ host: name }) => name === 'evil')).to.deep.equal([]);
  });
});
