import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import git from 'isomorphic-git';
import http from 'isomorphic-git/http/node';
import { eventually } from '../../helpers/eventually.ts';
import { startGitServer, type TestGitServer } from './harness.ts';

const failing = async (work: Promise<string>): Promise<string> => {
  const error = await work.then(
    () => undefined,
    (thrown: Error) => thrown,
  );
  if (error === undefined) throw new Error('the command should have failed');
  return error.message;
};

describe('git server: smart HTTP', () => {
  let server: TestGitServer;
  before(async () => {
    server = await startGitServer();
  });
  after(() => server.close());

  it('makes a repo on its first push; a clone holds the same', async () => {
    const { folder, sha } = await server.pushed('alice', 'hello', {
      'stack.yml': 'x\n',
      'fn/a.ts': 'y\n',
    });
    await server.git(server.temp, 'clone', '--quiet', `${server.url}/alice/hello.git`, 'cloned');
    const cloned = join(server.temp, 'cloned');
    expect((await server.git(cloned, 'rev-parse', 'HEAD')).trim()).to.equal(sha);
    expect(await readFile(join(cloned, 'fn/a.ts'), 'utf8')).to.equal('y\n');
    const second = await server.commit(cloned, { 'fn/a.ts': 'z\n' });
    await server.git(cloned, 'push', '--quiet');
    await server.git(folder, 'pull', '--quiet', 'origin', 'main');
    expect((await server.git(folder, 'rev-parse', 'HEAD')).trim()).to.equal(second);
  });

  it('follows the first branch pushed with HEAD, and serves names without .git and in other case', async () => {
    const folder = await server.workFolder('alice', 'Trunk', 'trunk');
    await server.commit(folder, { a: '1' });
    await server.git(folder, 'push', '--quiet', 'origin', 'trunk');
    const listed = await server.git(
      server.temp,
      'ls-remote',
      '--symref',
      `${server.url}/ALICE/trunk`,
      'HEAD',
    );
    expect(listed).to.contain('ref: refs/heads/trunk');
  });

  it('speaks protocol version 0, 1 and 2', async () => {
    const { sha } = await server.pushed('alice', 'protocols');
    for (const version of ['0', '1', '2']) {
      const listed = await server.git(
        server.temp,
        '-c',
        `protocol.version=${version}`,
        'ls-remote',
        `${server.url}/alice/protocols.git`,
        'refs/heads/main',
      );
      expect(listed).to.equal(`${sha}\trefs/heads/main\n`);
    }
  });

  it('pushes and deletes branches and tags, but not the default branch', async () => {
    const { folder } = await server.pushed('alice', 'refs');
    await server.git(folder, 'tag', '-a', 'v1', '-m', 'one');
    await server.git(folder, 'push', '--quiet', 'origin', 'HEAD:feature/x', 'v1');
    const list = () => server.git(folder, 'ls-remote', 'origin');
    expect(await list())
      .to.contain('refs/heads/feature/x')
      .and.to.contain('refs/tags/v1^{}');
    await server.git(folder, 'push', '--quiet', 'origin', ':feature/x', ':v1');
    expect(await list())
      .not.to.contain('feature/x')
      .and.not.to.contain('v1');
    expect(await failing(server.git(folder, 'push', 'origin', ':main'))).to.contain(
      'deletion of the current branch prohibited',
    );
  });

  it('gives a bare commit id, also one that no ref names any more, to a shallow fetch of isomorphic-git', async () => {
    const { folder, sha } = await server.pushed('bob', 'shallow', { 'a.txt': 'first\n' });
    await server.git(folder, 'commit', '--amend', '--quiet', '-m', 'other');
    await server.git(folder, 'push', '--quiet', '--force', 'origin', 'main');
    const dir = join(server.temp, 'isomorphic');
    await git.init({ fs, dir });
    await git.addRemote({ fs, dir, remote: 'origin', url: `${server.url}/bob/shallow.git` });
    const url = `${server.url}/bob/shallow.git`;
    await git.fetch({
      fs,
      http,
      dir,
      url,
      ref: sha,
      remoteRef: sha,
      depth: 1,
      singleBranch: true,
      tags: false,
    });
    const { blob } = await git.readBlob({ fs, dir, oid: sha, filepath: 'a.txt' });
    expect(Buffer.from(blob).toString()).to.equal('first\n');
  });

  it('takes a push from isomorphic-git', async () => {
    const dir = await server.workFolder('bob', 'iso-push');
    const sha = await server.commit(dir, { 'a.txt': '1\n' });
    const result = await git.push({ fs, http, dir, remote: 'origin', ref: 'main' });
    expect(result.ok).to.equal(true);
    expect(await server.git(dir, 'ls-remote', 'origin')).to.contain(sha);
  });

  it('unpacks gzip bodies and refuses one that unpacks to too much', async () => {
    await server.pushed('bob', 'zipped');
    const send = (body: Buffer) =>
      fetch(`${server.url}/bob/zipped.git/git-upload-pack`, {
        method: 'POST',
        headers: {
          'content-type': 'application/x-git-upload-pack-request',
          'content-encoding': 'gzip',
          'git-protocol': 'version=2',
        },
        body,
      }).then((response) => response.text());
    expect(await send(gzipSync('0014command=ls-refs\n00010009peel\n0000'))).to.contain(
      'refs/heads/main',
    );
    const bomb = gzipSync(Buffer.alloc(80 * 1024 * 1024, '0005a'));
    expect(bomb.length).to.be.lessThan(1024 * 1024);
    const result = await send(bomb).catch(() => 'broken off');
    expect(result).not.to.contain('refs/heads/main');
  });

  it('says to whoever pushed where the checks are, and that tags are not built', async () => {
    const { folder: dir, sha } = await server.pushed('alice', 'told');
    const push = async (ref: string, remoteRef = ref): Promise<string> => {
      const said: string[] = [];
      const onMessage = (text: string): void => void said.push(text);
      await git.push({ fs, http, dir, remote: 'origin', ref, remoteRef, onMessage });
      return said.join('');
    };
    const next = await server.commit(dir, { b: '2' });
    expect(next).to.not.equal(sha);
    expect(await push('main')).to.equal(
      `Build and checks: ${server.url}/alice/told/commit/${next}\n`,
    );
    await git.tag({ fs, dir, ref: 'v1' });
    expect(await push('v1', 'refs/tags/v1')).to.match(/^Tags are not built: push a branch/);
    const page = await fetch(`${server.url}/alice/told/commit/${next}`);
    expect(page.status).to.equal(200);
  });

  it("takes pushes larger than the client's buffer and stops those over the limit", async () => {
    const small = await startGitServer({ maxPushBytes: 3 * 1024 * 1024 });
    try {
      const folder = await small.workFolder('carol', 'big');
      const noise = Buffer.alloc(2 * 1024 * 1024, 0).map(() => Math.floor(Math.random() * 256));
      await small.commit(folder, { 'noise.bin': Buffer.from(noise) });
      await small.git(folder, 'push', '--quiet', 'origin', 'main');
      const more = Buffer.alloc(5 * 1024 * 1024, 0).map(() => Math.floor(Math.random() * 256));
      await small.commit(folder, { 'more.bin': Buffer.from(more) });
      expect(await failing(small.git(folder, 'push', 'origin', 'main'))).to.match(
        /exceeds maximum allowed size|unpacker error/,
      );
      expect((await fetch(`${small.api}/repos/carol/big/contents/more.bin`)).status).to.equal(404);
    } finally {
      await small.close();
    }
  });

  it('keeps nothing of a push that git refuses', async () => {
    const folder = await server.workFolder('dave', 'refused');
    await server.commit(folder, { a: '1' });
    // An author without an e-mail address does not pass fsck.
    const tree = (await server.git(folder, 'rev-parse', 'HEAD^{tree}')).trim();
    const bad = spawn('git', ['hash-object', '-t', 'commit', '-w', '--stdin', '--literally'], {
      cwd: folder,
    });
    bad.stdin.end(`tree ${tree}\nauthor x 1 +0000\ncommitter x 1 +0000\n\nm\n`);
    const [chunk] = await once(bad.stdout, 'data');
    await failing(server.git(folder, 'push', 'origin', `${String(chunk).trim()}:refs/heads/main`));
    expect((await fetch(`${server.api}/repos/dave/refused`)).status).to.equal(404);
    expect(server.receiver.received.filter(({ text }) => text.includes('dave'))).to.deep.equal([]);
  });

  it('runs no hook and reads no configuration of the pushed repo', async () => {
    const { folder } = await server.pushed('dave', 'hooks');
    const bare = join(server.options.folder, 'owners/dave/repos/hooks/git');
    const marker = join(server.temp, 'hook-ran');
    await server.write(bare, { 'hooks/post-receive': `#!/bin/sh\ntouch ${marker}\n` });
    await fs.promises.chmod(join(bare, 'hooks/post-receive'), 0o755);
    await server.commit(folder, { b: '2' });
    await server.git(folder, 'push', '--quiet', 'origin', 'main');
    expect(fs.existsSync(marker)).to.equal(false);
  });

  it('ends its git process when the client goes away', async () => {
    const folder = await server.workFolder('erin', 'gone');
    await server.commit(folder, { a: '1' });
    const client = request(`${server.url}/erin/gone.git/git-receive-pack`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-git-receive-pack-request' },
    });
    client.on('error', () => {});
    client.write('00');
    await eventually(async () => expect(await childrenOf(process.pid)).to.contain('git'));
    client.destroy();
    await eventually(async () => expect(await childrenOf(process.pid)).not.to.contain('git'));
    await server.git(folder, 'push', '--quiet', 'origin', 'main');
  });

  it('refuses names that are no names', async () => {
    const attacks = [
      '/../x.git',
      '/alice/..%2f..%2fetc.git',
      '/alice/%2e%2e.git',
      '/-x/y.git',
      '/a--b/y.git',
      '/a_b/y.git',
      '/api/y.git',
      '/login/y.git',
      '/system/y.git',
      '/alice/.git',
      '/alice/..git',
      '/alice/x.git.git',
      '/alice/a%00b.git',
      '/alice/a b.git',
      `/${'a'.repeat(40)}/y.git`,
      `/alice/${'y'.repeat(101)}.git`,
      '/alice/--upload-pack=touch.git',
    ];
    for (const attack of attacks) {
      const status = await rawStatus(`${server.url}${attack}/info/refs?service=git-receive-pack`);
      if (attack === '/alice/--upload-pack=touch.git') expect(status, attack).to.equal(422);
      else expect(status, attack).to.be.within(400, 499);
    }
    const names = await readdir(join(server.options.folder, 'owners'));
    expect(names.filter((name) => !/^(alice|bob|carol|dave|erin)$/.test(name))).to.deep.equal([]);
  });

  it('knows no repo before its first push, and no dumb protocol', async () => {
    const { status } = await fetch(
      `${server.url}/nobody/nothing.git/info/refs?service=git-upload-pack`,
    );
    expect(status).to.equal(404);
    expect((await fetch(`${server.url}/alice/hello.git/info/refs`)).status).to.equal(403);
    expect((await fetch(`${server.url}/alice/hello.git/HEAD`)).status).to.equal(404);
    expect(
      (await fetch(`${server.url}/nobody/nothing.git/info/refs?service=git-receive-pack`)).status,
    ).to.equal(200);
    expect((await fetch(`${server.api}/repos/nobody/nothing`)).status).to.equal(404);
  });

  it('serves two pushes to one repo one after the other, none lost', async () => {
    const { folder } = await server.pushed('frank', 'busy');
    const branches = ['b1', 'b2', 'b3', 'b4', 'b5', 'b6'];
    await Promise.all(
      branches.map((branch) => server.git(folder, 'push', '--quiet', 'origin', `main:${branch}`)),
    );
    await eventually(() => {
      const refs = server.receiver
        .pushes()
        .filter(({ body }) => body.repository.name === 'busy')
        .map(({ body }) => body.ref);
      expect(refs.sort()).to.deep.equal(
        [...branches, 'main'].map((branch) => `refs/heads/${branch}`).sort(),
      );
    });
  });
});

async function rawStatus(address: string): Promise<number> {
  const url = new URL(address.replace(/\/git\/.*/, '/'));
  const client = request({
    host: url.hostname,
    port: url.port,
    path: encodeURI(address.slice(url.origin.length)).replaceAll('%25', '%'),
  });
  client.end();
  const [response] = await once(client, 'response');
  response.resume();
  return response.statusCode;
}

/** Names of this process's children. */
async function childrenOf(pid: number): Promise<string[]> {
  const children = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8'))
    .split(' ')
    .filter(Boolean);
  return Promise.all(
    children.map((child) =>
      readFile(`/proc/${child}/comm`, 'utf8').then(
        (text) => text.trim(),
        () => '',
      ),
    ),
  );
}
