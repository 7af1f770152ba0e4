import { execFileSync } from 'node:child_process';
import { expect } from 'chai';
import { extract, type Header } from 'tar-stream';
import type { ContextEntry } from '#shared/shrinkwrap/context-entry.ts';
import { configEntry } from '#shared/tar/builder-request.ts';
import { packContext } from '#shared/tar/pack-context.ts';

const long = `${'d'.repeat(120)}/${'f'.repeat(200)}`;
const entries: readonly ContextEntry[] = [
  { kind: 'file', path: 'run.sh', mode: 0o755, content: Buffer.from('#!/bin/sh\n') },
  { kind: 'directory', path: 'a', mode: 0o755 },
  { kind: 'file', path: 'a/é', mode: 0o644, content: Buffer.alloc(513, 'x') },
  { kind: 'file', path: 'a.txt', mode: 0o644, content: Buffer.alloc(0) },
  { kind: 'file', path: long, mode: 0o644, content: Buffer.from('long') },
];

async function headersOf(tar: Buffer): Promise<Header[]> {
  const archive = extract();
  archive.end(tar);
  const headers: Header[] = [];
  for await (const entry of archive) {
    headers.push(entry.header);
    entry.resume();
  }
  return headers;
}

describe('packContext', () => {
  it('puts context/ first and walks below it, owned by nobody at time 0', async () => {
    const headers = await headersOf((await packContext(entries)).tar);
    const seen = headers.map(({ name, type, mode }) => [name, type, mode.toString(8)]);
    expect(seen).to.deep.equal([
      ['context', 'directory', '755'],
      ['context/a', 'directory', '755'],
      ['context/a/é', 'file', '644'],
      ['context/a.txt', 'file', '644'],
      [`context/${long}`, 'file', '644'],
      ['context/run.sh', 'file', '755'],
    ]);
    for (const { uid, gid, uname, gname, mtime } of headers) {
      expect({ uid, gid, uname, gname, mtime: mtime.getTime() }).to.deep.equal({
        uid: 0,
        gid: 0,
        uname: '',
        gname: '',
        mtime: 0,
      });
    }
  });

  it('has one digest for one tree, for ever', async () => {
    const { digest, tar, size } = await packContext([...entries].reverse());
    expect(digest).to.equal(
      'sha256:6cae8ce4c747c3c3aaf1011f8d308045795ecd189748e444ba3c9a366bd96d7a',
    );
    expect(size).to.equal(tar.length);
  });

  it('has another digest for another mode, name or content', async () => {
    const base = { kind: 'file', path: 'a', mode: 0o644, content: Buffer.from('x') } as const;
    const variants: ContextEntry[] = [
      base,
      { ...base, mode: 0o755 },
      { ...base, path: 'b' },
      { ...base, content: Buffer.from('y') },
      { kind: 'directory', path: 'a', mode: 0o755 },
    ];
    const digests = await Promise.all(variants.map((entry) => packContext([entry])));
    expect(new Set(digests.map(({ digest }) => digest)).size).to.equal(variants.length);
  });
});

describe('configEntry', () => {
  it('makes one tar with a context behind it', async () => {
    for (const padding of [0, 1, 400, 450, 512, 5000]) {
      const config = { image: 'registry:5000/a:1', buildArgs: { A: 'x'.repeat(padding) } };
      const tar = Buffer.concat([configEntry(config), (await packContext(entries)).tar]);
      const [first, second] = await headersOf(tar);
      expect(first).to.include({ name: 'com.openfaas.docker.config', mode: 0o664, type: 'file' });
      expect(first?.mtime.getTime()).to.equal(0);
      expect(first?.size).to.equal(Buffer.byteLength(JSON.stringify(config)));
      expect(second?.name).to.equal('context');
    }
  });

  it('is read by tar(1), where there is one', async function () {
    try {
      execFileSync('tar', ['--version']);
    } catch {
      this.skip();
    }
    const config = { image: 'é', buildArgs: {} };
    const input = Buffer.concat([configEntry(config), (await packContext(entries)).tar]);
    const content = execFileSync('tar', ['-xOf', '-', 'com.openfaas.docker.config'], { input });
    expect(JSON.parse(String(content))).to.deep.equal(config);
    const names = execFileSync('tar', ['--quoting-style=literal', '-tf', '-'], { input });
    expect(String(names).split('\n')).to.have.length(8).and.include(`context/${long}`);
  });
});
