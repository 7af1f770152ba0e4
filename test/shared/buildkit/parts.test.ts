import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { status } from '@grpc/grpc-js';
import { expect } from 'chai';
import { daemonOrder } from '#shared/buildkit/choose-daemon.ts';
import { contextTar } from '#shared/buildkit/context-tar.ts';
import { parseDaemonAddress } from '#shared/buildkit/daemon-address.ts';
import { daemonError } from '#shared/buildkit/daemon-error.ts';
import { syntaxOf } from '#shared/buildkit/frontend.ts';
import { createRedactor } from '#shared/redact.ts';
import { defaultSourceLimits } from '#shared/shrinkwrap/limits.ts';
import { expectCode } from '../../helpers/expect-code.ts';
import { streamOf, tarOf } from '../tar/tar-of.ts';
import { filesOf } from './stage.ts';

describe('the address of a BuildKit', () => {
  it('is TCP, a socket of buildkitd, or of Docker Engine', () => {
    expect(parseDaemonAddress('tcp://buildkitd.example')).to.include({
      kind: 'tcp',
      host: 'buildkitd.example',
      port: 1234,
    });
    expect(parseDaemonAddress('tcp://[::1]:99')).to.include({ host: '[::1]', port: 99 });
    expect(parseDaemonAddress('unix:///run/buildkit/buildkitd.sock')).to.include({
      kind: 'unix',
      path: '/run/buildkit/buildkitd.sock',
    });
    expect(parseDaemonAddress('docker:///var/run/docker.sock')).to.include({ kind: 'docker' });
  });

  for (const text of [
    '',
    'http://a',
    'tcp://',
    'tcp://u:p@a',
    'tcp://a/b',
    'unix://host/a',
    'unix://',
  ]) {
    it(`is not ${JSON.stringify(text)}`, () =>
      expectCode(() => parseDaemonAddress(text), 'OFC_CONFIG'));
  }
});

describe('which daemon builds', () => {
  const daemons = ['a', 'b', 'c', 'd'].map((url) => ({ url }));
  const keys = Array.from({ length: 400 }, (_, n) => `owner${n}/repo`);
  const first = (pool: typeof daemons, key: string) => daemonOrder(pool, key)[0]?.url;

  it('is the same for a repo, whatever the order of the list, and spread evenly', () => {
    const counts = new Map<string | undefined, number>();
    for (const key of keys) {
      const chosen = first(daemons, key);
      expect(first([...daemons].reverse(), key)).to.equal(chosen);
      counts.set(chosen, (counts.get(chosen) ?? 0) + 1);
    }
    for (const count of counts.values()) expect(count).to.be.within(60, 140);
  });

  it('changes only for the repos of a daemon that goes', () => {
    const fewer = daemons.filter(({ url }) => url !== 'b');
    const moved = keys.filter((key) => first(daemons, key) !== first(fewer, key));
    expect(moved.every((key) => first(daemons, key) === 'b')).to.equal(true);
  });
});

describe('what BuildKit gets of a request', () => {
  const repacked = async (entries: Parameters<typeof tarOf>[0]) =>
    buffer(contextTar(streamOf(await tarOf(entries)), defaultSourceLimits));

  it('is what lies below context/, and nothing else', async () => {
    const tar = await repacked([
      { name: 'com.openfaas.docker.config', content: '{}' },
      { name: 'com.openfaas.secrets', content: 'sealed' },
      { name: './context/', type: 'directory' },
      { name: './context/Dockerfile', content: 'FROM a' },
      { name: 'context/bin/run', content: '#!', mode: 0o755 },
    ]);
    expect(await filesOf(tar)).to.deep.equal({ Dockerfile: 'FROM a', bin: '', 'bin/run': '#!' });
  });

  it('is the same whenever it was packed', async () => {
    const pack = (mtime: Date, uid: number) =>
      repacked([{ name: 'context/a', content: 'a', mtime, uid, uname: `u${uid}` }]);
    expect(await pack(new Date(1), 1)).to.deep.equal(await pack(new Date(1e12), 2));
  });

  it('is refused where it holds links or leaves its folder', async () => {
    const link = { name: 'context/a', type: 'symlink', linkname: '/etc/passwd' };
    await expectCode(repacked([link]), 'OFC_SOURCE_REFUSED');
    await expectCode(repacked([{ name: 'context/../a' }]), 'OFC_SOURCE_REFUSED');
    const broken = Readable.from([
      (await tarOf([{ name: 'context/a', content: 'x' }])).subarray(0, 600),
    ]);
    await expectCode(buffer(contextTar(broken, defaultSourceLimits)), 'OFC_BAD_REQUEST');
  });
});

describe('what an error of a daemon means', () => {
  const grpc = (code: number, details: string) =>
    Object.assign(new Error(details), { code, details });
  const on = new AbortController().signal;
  const cases: [number, string, string][] = [
    [
      status.UNAVAILABLE,
      'No connection established. Last error: connect ECONNREFUSED',
      'OFC_UPSTREAM',
    ],
    [status.UNAVAILABLE, 'self-signed certificate in certificate chain', 'OFC_CONFIG'],
    [status.DEADLINE_EXCEEDED, 'Deadline exceeded', 'OFC_UPSTREAM'],
    [status.RESOURCE_EXHAUSTED, 'too many builds', 'OFC_BUSY'],
    [status.CANCELLED, 'context canceled', 'OFC_UPSTREAM'],
    [status.UNKNOWN, 'no active session for abc: context deadline exceeded', 'OFC_UPSTREAM'],
    [
      status.UNKNOWN,
      'process "/bin/sh -c curl x" did not complete successfully: exit code: 7',
      'OFC_BUILD_FAILED',
    ],
    [
      status.UNKNOWN,
      'process "echo connection reset" did not complete successfully: exit code: 1',
      'OFC_BUILD_FAILED',
    ],
    [
      status.UNKNOWN,
      'docker.io/docker/buildkit-syft-scanner:stable-1: failed to resolve source metadata',
      'OFC_CONFIG',
    ],
    [
      status.UNKNOWN,
      'process "/bin/sh -c buildkit-syft-scanner" did not complete successfully: exit code: 127',
      'OFC_BUILD_FAILED',
    ],
    [
      status.UNKNOWN,
      'dockerfile parse error on line 1: unknown instruction: FRM',
      'OFC_BUILD_FAILED',
    ],
  ];
  for (const [code, details, expected] of cases) {
    it(`${expected}: ${details}`, () => {
      expect(daemonError(grpc(code, details), 'tcp://a', on).code).to.equal(expected);
    });
  }

  it('is that the build was ended, if we ended it', () => {
    const ended = daemonError(grpc(status.CANCELLED, 'x'), 'tcp://a', AbortSignal.abort());
    expect(ended.code).to.equal('OFC_TIMEOUT');
  });
});

describe('the frontend that a Dockerfile asks for', () => {
  it('is named by a directive before everything else', () => {
    expect(syntaxOf('# syntax=docker/dockerfile:1\nFROM a')).to.equal('docker/dockerfile:1');
    expect(syntaxOf('\uFEFF# escape=`\r\n#SYNTAX = a/b:1 \r\nFROM a')).to.equal('a/b:1');
    expect(syntaxOf('# a comment\n# syntax=a/b\nFROM a')).to.equal(undefined);
    expect(syntaxOf('\n# syntax=a/b\nFROM a')).to.equal(undefined);
    expect(syntaxOf('FROM a')).to.equal(undefined);
  });
});

describe('redaction', () => {
  it('hides values, their lines and their base64 form, the longest first', () => {
    const redact = createRedactor([
      'secret-value',
      'secret-value-2',
      Buffer.from('line one\nline two'),
    ]);
    expect(redact('a secret-value-2 b secret-value c')).to.equal('a ••• b ••• c');
    expect(redact('x line two y')).to.equal('x ••• y');
    expect(redact(Buffer.from('secret-value').toString('base64'))).to.equal('•••');
    expect(createRedactor(['on', ''])('turn on')).to.equal('turn on');
  });
});
