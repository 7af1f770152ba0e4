import { Readable } from 'node:stream';
import { expect } from 'chai';
import { CloudError } from '#shared/errors.ts';
import type { ContextEntry } from '#shared/shrinkwrap/context-entry.ts';
import { defaultSourceLimits, type SourceLimits } from '#shared/shrinkwrap/limits.ts';
import { configEntry } from '#shared/tar/builder-request.ts';
import { packContext } from '#shared/tar/pack-context.ts';
import { readBuilderRequest } from '#shared/tar/read-builder-request.ts';
import { setSize, sizeTricks } from './size-tricks.ts';
import { streamOf, tarOf } from './tar-of.ts';

const config = { name: 'com.openfaas.docker.config', content: '{"image":"a:1","buildArgs":{}}' };

const read = (tar: Buffer, limits: Partial<SourceLimits> = {}) =>
  readBuilderRequest(streamOf(tar), { ...defaultSourceLimits, ...limits });

async function failureOf(outcome: Promise<unknown>): Promise<CloudError> {
  const error = await outcome.catch((thrown: unknown) => thrown);
  if (error instanceof CloudError) return error;
  throw new Error(`expected a refusal, got ${String(error)}`);
}

const linesOf = (entries: readonly ContextEntry[]) =>
  entries.map((entry) =>
    entry.kind === 'directory'
      ? `${entry.path}/`
      : `${entry.path} ${entry.mode.toString(8)} ${entry.content}`,
  );

describe('readBuilderRequest', () => {
  it('gives back what was packed', async () => {
    const entries: ContextEntry[] = [
      { kind: 'file', path: 'Dockerfile', mode: 0o644, content: Buffer.from('FROM scratch') },
      { kind: 'directory', path: 'empty', mode: 0o755 },
      { kind: 'directory', path: 'é'.repeat(90), mode: 0o755 },
      {
        kind: 'file',
        path: `${'é'.repeat(90)}/run`,
        mode: 0o755,
        content: Buffer.alloc(3000, 'x'),
      },
    ];
    const { tar } = await packContext(entries);
    const wanted = { image: 'a:1', buildArgs: { A: 'b' }, platforms: ['linux/amd64'] };
    const request = await read(Buffer.concat([configEntry(wanted), tar]));
    expect(request).to.deep.equal({ config: wanted, entries });
  });

  for (const [what, size] of Object.entries(sizeTricks)) {
    for (const type of ['0', '5', 'x', 'g', 'L', 'K', '7']) {
      it(`refuses a header of type ${type} with a size ${what}, and waits for nothing`, async () => {
        const header = (await tarOf([{ name: 'context/x', content: 'x' }])).subarray(0, 1024);
        setSize(header, size, type);
        await failureOf(read(Buffer.concat([header, await tarOf([config])])));
      });
    }
  }

  it('takes "./" names, any order, missing folders and sealed secrets, as curl users send', async () => {
    const tar = await tarOf([
      { name: './', type: 'directory' },
      { name: './context/a/b/run.sh', mode: 0o4711, content: 'x' },
      { name: './com.openfaas.secrets', mode: 0o600, content: 'version: v1' },
      { name: './context/', type: 'directory' },
      { name: './context/a/', type: 'directory' },
      { ...config, name: './com.openfaas.docker.config' },
      { name: 'context/Dockerfile', content: 'FROM x' },
    ]);
    const { entries, secrets, config: read_ } = await read(tar);
    expect(linesOf(entries)).to.deep.equal([
      'Dockerfile 644 FROM x',
      'a/',
      'a/b/',
      'a/b/run.sh 755 x',
    ]);
    expect(String(secrets)).to.equal('version: v1');
    expect(read_).to.deep.equal({ image: 'a:1', buildArgs: {} });
  });

  const link = { linkname: '/etc/passwd' };
  const refused: readonly [string, Parameters<typeof tarOf>[0]][] = [
    ['an absolute path', [{ name: '/etc/cron.d/x' }]],
    ['an absolute path below ./', [{ name: './/etc/x' }]],
    ['..', [{ name: 'context/../x' }]],
    ['.. first', [{ name: '../context/x' }]],
    ['.. at the end', [{ name: 'context/..', type: 'directory' }]],
    ['. inside', [{ name: 'context/./x' }]],
    ['an empty part', [{ name: 'context//x' }]],
    ['a backslash', [{ name: 'context/..\\x' }]],
    ['a control character', [{ name: 'context/a\nb' }]],
    ['a symbolic link', [{ name: 'context/l', type: 'symlink', ...link }]],
    [
      'a link and a write through it',
      [
        { name: 'context/l', type: 'symlink', linkname: '/tmp' },
        { name: 'context/l/x', content: 'x' },
      ],
    ],
    ['a link for context', [{ name: 'context', type: 'symlink', ...link }]],
    ['a hard link', [{ name: 'context/l', type: 'link', ...link }]],
    ['a device', [{ name: 'context/d', type: 'character-device' }]],
    ['a block device', [{ name: 'context/d', type: 'block-device' }]],
    ['a pipe', [{ name: 'context/f', type: 'fifo' }]],
    [
      'a file twice',
      [
        { name: 'context/a', content: '1' },
        { name: './context/a', content: '2' },
      ],
    ],
    ['a file, then a folder', [{ name: 'context/a' }, { name: 'context/a', type: 'directory' }]],
    ['a folder, then a file', [{ name: 'context/a/b' }, { name: 'context/a' }]],
    ['a file below a file', [{ name: 'context/a' }, { name: 'context/a/b' }]],
    ['the configuration twice', [config]],
    ['a PAX path with ..', [{ name: 'context/a', pax: { path: 'context/../../x' } }]],
    ['a PAX path that is absolute', [{ name: 'context/a', pax: { path: '/etc/x' } }]],
    ['a PAX path with NUL', [{ name: 'context/a', pax: { path: 'context/a\0/../x' } }]],
    [
      'a PAX path that comes twice',
      [{ name: 'context/a' }, { name: 'context/b', pax: { path: 'context/a' } }],
    ],
    ['a very long name', [{ name: `context/${'a'.repeat(256)}` }]],
    ['a very long path', [{ name: `context/${'a/'.repeat(600)}x` }]],
    ['a very deep path', [{ name: `context/${'a/'.repeat(40)}x` }]],
  ];
  for (const [name, entries] of refused) {
    it(`refuses ${name}`, async () => {
      const failure = await failureOf(read(await tarOf([config, ...entries])));
      expect(failure.code).to.equal('OFC_SOURCE_REFUSED');
    });
  }

  it('refuses a special type that tar-stream does not know, such as a sparse file', async () => {
    const tar = await tarOf([config, { name: 'context/s', content: 'x' }]);
    const at = tar.indexOf('context/s');
    tar.write('S', at + 156);
    tar.fill(' ', at + 148, at + 156);
    const sum = tar.subarray(at, at + 512).reduce((total, byte) => total + byte, 0);
    tar.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + 148);
    const failure = await failureOf(read(tar));
    expect(failure.message).to.contain('special file');
  });

  it('refuses what is not expected beside the context', async () => {
    for (const name of ['contextual/a', 'Dockerfile', 'com.openfaas.docker.config2', 'context']) {
      const failure = await failureOf(read(await tarOf([config, { name }])));
      expect(failure.code).to.equal('OFC_BAD_REQUEST');
    }
  });

  it('refuses a missing or wrong configuration', async () => {
    const context = { name: 'context/Dockerfile', content: 'FROM x' };
    for (const entries of [
      [context],
      [{ ...config, content: '{' }, context],
      [{ ...config, content: '{}' }, context],
      [{ ...config, content: '{"image":""}' }, context],
      [{ ...config, content: '{"image":"a","buildArgs":{"a":1}}' }, context],
      [{ ...config, content: '[]' }, context],
      [{ name: config.name, type: 'directory' }, context],
    ]) {
      const failure = await failureOf(read(await tarOf(entries)));
      expect(failure.code).to.equal('OFC_BAD_REQUEST');
    }
  });

  it('refuses what is no tar, or not all of one', async () => {
    const tar = await tarOf([config, { name: 'context/a', content: 'x'.repeat(3000) }]);
    for (const bytes of [Buffer.from('hello'), Buffer.alloc(2048, 'x'), tar.subarray(0, 2600)]) {
      expect(await failureOf(read(bytes))).to.have.property('code', 'OFC_BAD_REQUEST');
    }
    expect(await failureOf(read(Buffer.alloc(0)))).to.have.property('code', 'OFC_BAD_REQUEST');
  });

  it('refuses when the sender leaves', async () => {
    const tar = await tarOf([config, { name: 'context/a', content: 'x'.repeat(3000) }]);
    const leaving = Readable.from(
      (async function* () {
        yield tar.subarray(0, 2000);
        throw new Error('connection reset');
      })(),
    );
    const failure = await failureOf(readBuilderRequest(leaving));
    expect(failure.code).to.equal('OFC_BAD_REQUEST');
    expect(String(failure.cause)).to.contain('connection reset');
  });

  describe('limits', () => {
    const files = (count: number, content = '') =>
      Array.from({ length: count }, (_, i) => ({ name: `context/${i}`, content }));

    it('entries', async () => {
      const tar = await tarOf([config, ...files(20)]);
      await read(tar, { maxEntries: 21 });
      const failure = await failureOf(read(tar, { maxEntries: 20 }));
      expect(failure.code).to.equal('OFC_TOO_LARGE');
    });

    it('one file, before its content is read', async () => {
      const header = (await tarOf([{ name: 'context/a', content: 'x' }])).subarray(0, 512);
      header.write('77777777777', 124);
      header.fill(' ', 148, 156);
      const sum = header.reduce((total, byte) => total + byte, 0);
      header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
      expect(await failureOf(read(header))).to.have.property('code', 'OFC_TOO_LARGE');
    });

    it('all files', async () => {
      const tar = await tarOf([config, ...files(5, 'x'.repeat(1000))]);
      const failure = await failureOf(read(tar, { maxTotalBytes: 4000 }));
      expect(failure.code).to.equal('OFC_TOO_LARGE');
    });

    it('headers that never come to an entry', async () => {
      const [pax] = [await tarOf([{ name: 'context/a', pax: { comment: 'x'.repeat(100_000) } }])];
      const paxOnly = pax.subarray(0, pax.indexOf('PaxHeader', 512));
      let sent = 0;
      const endless = Readable.from(
        (function* () {
          for (; sent < 10_000; sent += 1) yield paxOnly;
        })(),
      );
      const limits = { ...defaultSourceLimits, maxEntries: 10, maxTotalBytes: 1_000_000 };
      expect(await failureOf(readBuilderRequest(endless, limits))).to.have.property(
        'code',
        'OFC_TOO_LARGE',
      );
      expect(sent).to.be.below(100);
    });

    it('zeros without end', async () => {
      const zeros = Buffer.alloc(65_536);
      let sent = 0;
      const endless = Readable.from(
        (function* () {
          for (; sent < 10_000; sent += 1) yield zeros;
        })(),
      );
      const limits = { ...defaultSourceLimits, maxEntries: 10, maxTotalBytes: 1_000_000 };
      expect(await failureOf(readBuilderRequest(endless, limits))).to.have.property(
        'code',
        'OFC_TOO_LARGE',
      );
      expect(sent).to.be.below(100);
    });
  });
});
