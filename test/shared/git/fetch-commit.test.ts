import { randomBytes } from 'node:crypto';
import { chmod, readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { fetchCommit } from '#shared/git/fetch-commit.ts';
import type { GitTree } from '#shared/git/git-tree.ts';
import { limitedHttp } from '#shared/git/limited-http.ts';
import { parseSha, type Sha } from '#shared/names.ts';
import { expectCode } from '../../helpers/expect-code.ts';
import { type GitHttpServer, serveGit } from '../../helpers/git-http-server.ts';
import { type GitRepo, gitRepo } from '../../helpers/git-repo.ts';
import { listen } from '../../helpers/listen.ts';

const limits = { maxBytes: 5 * 1024 * 1024, timeoutMs: 15_000 };

describe('fetching a commit', () => {
  let repo: GitRepo;
  let server: GitHttpServer;
  let first: Sha;
  let second: Sha;

  before(async () => {
    repo = await gitRepo('unused');
    server = await serveGit(repo.folder);
    first = parseSha(await repo.commit({ 'a.txt': 'one', 'dir/b.txt': 'b' }));
    await writeFile(join(repo.folder, 'run.sh'), '#!/bin/sh\n');
    await chmod(join(repo.folder, 'run.sh'), 0o755);
    await repo.commit({ 'a.txt': 'two', 'dir/ü b.txt': 'ü', link: { link: '/etc/passwd' } });
    await repo.git('update-index', '--add', '--cacheinfo', `160000,${'1'.repeat(40)},sub`);
    await repo.git('commit', '--quiet', '--message=A submodule');
    second = parseSha(await repo.git('rev-parse', 'HEAD'));
  });
  after(async () => {
    await server.close();
    await repo.remove();
  });
  beforeEach(() => {
    server.requests.length = 0;
    server.intercept = () => false;
  });

  const workspaces = async () =>
    (await readdir(tmpdir())).filter((name) => name.startsWith('ofc-git-'));
  const fetch = (
    sha: Sha,
    { token, ...more }: { token?: string; url?: string } = {},
    bounds = limits,
  ) => {
    const access =
      token === undefined ? undefined : { username: 'x-access-token', password: token };
    return fetchCommit({ url: server.url, sha, access, ...more }, bounds);
  };
  const withTree = async (sha: Sha, look: (tree: GitTree) => Promise<void>) => {
    const { tree, remove } = await fetch(sha);
    try {
      await look(tree);
    } finally {
      await remove();
    }
  };

  it('gets exactly that commit, not the head of a branch', async () => {
    await withTree(first, async (tree) => {
      expect(String(await tree.read('a.txt'))).to.equal('one');
    });
    await withTree(second, async (tree) => {
      expect(String(await tree.read('a.txt'))).to.equal('two');
    });
  });

  it('tells when it was made', async () => {
    const { committedAt, remove } = await fetch(second);
    await remove();
    const seconds = await repo.git('log', '-1', '--format=%ct', second);
    expect(committedAt?.getTime()).to.equal(Number(seconds) * 1000);
  });

  it('makes no file of the repo, and removes its workspace', async () => {
    const before = await workspaces();
    const { remove } = await fetch(second);
    const [folder = ''] = (await workspaces()).filter((name) => !before.includes(name));
    const files = await readdir(join(tmpdir(), folder), { recursive: true });
    expect(files.filter((file) => /a\.txt|run\.sh|link/.test(file))).to.deep.equal([]);
    await remove();
    expect(await workspaces()).to.not.include(folder);
  });

  describe('gives a tree that', () => {
    it('lists folders with kinds and modes', async () => {
      await withTree(second, async (tree) => {
        expect(await tree.list('')).to.deep.equal([
          { path: 'a.txt', kind: 'file', mode: 0o644 },
          { path: 'dir', kind: 'directory', mode: 0o755 },
          { path: 'link', kind: 'symlink', mode: 0o644 },
          { path: 'run.sh', kind: 'file', mode: 0o755 },
          { path: 'sub', kind: 'submodule', mode: 0o644 },
        ]);
        expect(await tree.list('.')).to.deep.equal(await tree.list(''));
        expect((await tree.list('dir'))?.map(({ path }) => path)).to.deep.equal([
          'dir/b.txt',
          'dir/ü b.txt',
        ]);
      });
    });

    it('has no folder where there is none', async () => {
      await withTree(second, async (tree) => {
        for (const path of [
          'nowhere',
          'a.txt',
          'a.txt/b',
          'dir/nowhere',
          '..',
          '../..',
          '/',
          'dir/',
          '/etc',
          'link',
          'sub',
        ]) {
          expect(await tree.list(path), path).to.equal(undefined);
        }
      });
    });

    it('reads files and nothing else', async () => {
      await withTree(second, async (tree) => {
        expect(String(await tree.read('dir/ü b.txt'))).to.equal('ü');
        for (const path of ['nowhere', 'dir', 'sub', '', '../x', '/etc/passwd', 'dir/../a.txt']) {
          await expectCode(tree.read(path), 'OFC_NOT_FOUND');
        }
        // A link's content is where it points to; whoever builds a context refuses its kind.
        expect(String(await tree.read('link'))).to.equal('/etc/passwd');
      });
    });
  });

  it('refuses a commit that is not there', async () => {
    const before = (await workspaces()).length;
    const error = await expectCode(fetch(parseSha('f'.repeat(40))), 'OFC_CLONE');
    expect(error.text).to.include('ffff').and.include('push again');
    expect(await workspaces()).to.have.lengthOf(before);
  });

  it('refuses a repo that is not there', async () => {
    server.intercept = (_, response) => {
      response.writeHead(404).end('no');
      return true;
    };
    expect((await expectCode(fetch(second), 'OFC_CLONE')).text).to.include('answered 404');
  });

  describe('of a private repo', () => {
    const authorization = `Basic ${Buffer.from('x-access-token:s3cret').toString('base64')}`;
    const guarded: GitHttpServer['intercept'] = (request, response) => {
      if (request.headers.authorization === authorization) return false;
      response.writeHead(401, { 'www-authenticate': 'Basic' }).end();
      return true;
    };

    it('works with a token, which is sent only when asked for', async () => {
      server.intercept = guarded;
      await (await fetch(second, { token: 's3cret' })).remove();
      expect(server.requests[0]?.authorization).to.equal(undefined);
      expect(server.requests.slice(1).every((it) => it.authorization === authorization)).to.equal(
        true,
      );
    });

    it('says so without a token or with a wrong one, and keeps that to itself', async () => {
      server.intercept = guarded;
      await expectCode(fetch(second), 'OFC_CLONE');
      const error = await expectCode(fetch(second, { token: 'wr0ng' }), 'OFC_CLONE');
      expect(error.text).to.include('Install the app').and.not.include('wr0ng');
    });

    it('writes the token nowhere', async () => {
      server.intercept = guarded;
      const before = await workspaces();
      const { remove } = await fetch(second, { token: 's3cret' });
      const [folder = ''] = (await workspaces()).filter((name) => !before.includes(name));
      const { readFile } = await import('node:fs/promises');
      expect(await readFile(join(tmpdir(), folder, 'config'), 'utf8')).to.not.include('s3cret');
      await remove();
    });
  });

  it('refuses a redirect, so that neither the token nor we are sent elsewhere', async () => {
    let reached = false;
    const elsewhere = await listen((_, response) => {
      reached = true;
      response.end();
    });
    for (const status of [301, 302, 307, 308]) {
      server.intercept = (_, response) => {
        response.writeHead(status, { location: `${elsewhere.url}/repo.git/info/refs` }).end();
        return true;
      };
      await expectCode(fetch(second, { token: 's3cret' }), 'OFC_CLONE');
    }
    await elsewhere.close();
    expect(reached).to.equal(false);
  });

  it('stops at the limit of bytes', async () => {
    const large = await gitRepo('unused');
    const sha = parseSha(
      await large.commit({ 'large.bin': randomBytes(400_000).toString('base64') }),
    );
    const largeServer = await serveGit(large.folder);
    const source = { url: largeServer.url, sha };
    const error = await expectCode(
      fetchCommit(source, { ...limits, maxBytes: 100_000 }),
      'OFC_SOURCE_REFUSED',
    );
    expect(error.text).to.include('large files');
    await (await fetchCommit(source, limits)).remove();
    await largeServer.close();
    await large.remove();
  });

  it('refuses a file that is small over the wire and huge in memory, and leaves nothing', async () => {
    const bomb = await gitRepo('unused');
    const sha = parseSha(await bomb.commit({ 'zeros.txt': '0'.repeat(20 * 1024 * 1024) }));
    const bombServer = await serveGit(bomb.folder);
    const before = await workspaces();
    const error = await expectCode(
      fetchCommit({ url: bombServer.url, sha }, limits),
      'OFC_SOURCE_REFUSED',
    );
    expect(error.text).to.include('5 MiB');
    expect(await workspaces()).to.have.members(before);
    await bombServer.close();
    await bomb.remove();
  });

  for (const [what, begin] of [
    ['does not begin to answer', false],
    ['does not come to an end', true],
  ] as const) {
    it(`stops when the server ${what} in time`, async () => {
      server.intercept = (_, response) => {
        if (begin)
          response
            .writeHead(200, { 'content-type': 'application/x-git-upload-pack-advertisement' })
            .write('001e#');
        return true;
      };
      await expectCode(fetch(second, {}, { ...limits, timeoutMs: 100 }), 'OFC_TIMEOUT');
    });
  }

  it('is tried again where the server is ill, busy or gone', async () => {
    for (const status of [500, 503, 429]) {
      server.intercept = (_, response) => {
        response.writeHead(status).end();
        return true;
      };
      await expectCode(fetch(second), 'OFC_UPSTREAM');
    }
    server.intercept = (_, response) => {
      response.destroy();
      return true;
    };
    await expectCode(fetch(second), 'OFC_UPSTREAM');
    const gone = await listen(() => undefined);
    await gone.close();
    await expectCode(fetch(second, { url: `${gone.url}/repo.git` }), 'OFC_UPSTREAM');
  });

  it('talks to one host only', async () => {
    const http = limitedHttp('https://github.com', limits);
    for (const url of [
      `${server.origin}/x`,
      'http://github.com/x',
      'https://github.com:444/x',
      'https://github.com.evil.example/x',
    ]) {
      await expectCode(http.request({ url }), 'OFC_CLONE');
    }
    expect(server.requests).to.deep.equal([]);
  });
});
