import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { expect } from 'chai';
import type { BuildRequest } from '#shared/builder/builder.ts';
import { defaultSourceLimits } from '#shared/shrinkwrap/limits.ts';
import { createOwnerSlots } from '../../functions/of-builder/owner-slots.ts';
import { serveRemoteBuilds } from '../../functions/of-builder/remote-builds.ts';
import { serveRaw } from '../helpers/call-raw-handler.ts';
import type { TestServer } from '../helpers/listen.ts';
import { root } from '../helpers/source-files.ts';
import { filesOf } from '../shared/buildkit/stage.ts';

/**
 * What goes over the wire for `faas-cli publish --remote-builder`, recorded from a program in Go
 * that makes, signs and sends the tar as faas-cli's SDK does: archive/tar, net/http, a context with an executable file, an empty one, a path too long for a
 * plain header, and owners and times of a real disk. Its secret is "payload secret".
 *
 * @see https://github.com/openfaas/go-sdk/blob/master/builder/builder.go
 */
const recorded = readFileSync(join(root, 'test/fixtures/faas-cli/build-request.http'));
const headEnd = recorded.indexOf('\r\n\r\n') + 4;

describe('contract: faas-cli publish --remote-builder, byte for byte', () => {
  let server: TestServer;
  const asked: BuildRequest[] = [];
  let seen: Record<string, string>;

  beforeEach(async () => {
    asked.length = 0;
    const digest = `sha256:${'d'.repeat(64)}`;
    const deps = {
      builder: {
        async build(request: BuildRequest) {
          asked.push(request);
          seen = await filesOf(await buffer(await request.context.open()));
          request.onLog('#1 done');
          return { image: request.image, digest };
        },
      },
      payloadSecret: 'payload secret',
      sealingKeys: [],
      slots: createOwnerSlots(1, 1),
      limits: defaultSourceLimits,
      timeoutMs: 10_000,
    };
    server = await serveRaw((request, response, call) =>
      serveRemoteBuilds(deps, request.url ?? '', request, response, call),
    );
  });
  afterEach(() => server.close());

  /** Sends bytes, as they are, and gives all that is answered. */
  const exchange = (bytes: Buffer): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect(server.port, '127.0.0.1', () => socket.write(bytes));
      let answer = '';
      socket.setEncoding('utf8').on('data', (chunk: string) => {
        answer += chunk;
        // The end of a chunked answer, or of one with a length.
        if (/\r\n0\r\n\r\n$|\}$/.test(answer)) socket.end();
      });
      socket.on('close', () => resolve(answer)).on('error', reject);
    });
  const changed = (at: number) => {
    const copy = Buffer.from(recorded);
    copy.writeUInt8(copy.readUInt8(at) ^ 1, at);
    return copy;
  };

  it('is built, with the context as it was, and answered in lines that its scanner reads', async () => {
    const answer = await exchange(recorded);
    expect(answer).to.match(/^HTTP\/1\.1 200 OK\r\n/);
    expect(answer.toLowerCase()).to.contain('content-type: application/x-ndjson');
    const lines = answer.split('\r\n').filter((line) => line.startsWith('{'));
    expect(lines.map((line) => JSON.parse(line).status)).to.deep.equal(['in_progress', 'success']);
    for (const line of lines) expect(line).to.match(/^[^\n]+\n$/);

    expect(asked[0]).to.deep.include({
      image: 'registry.example/alice/hello:1',
      buildArgs: { ADDITIONAL_PACKAGE: '' },
      platforms: ['linux/amd64'],
      scope: 'alice/hello',
    });
    expect(asked[0]?.skipPush ?? false).to.equal(false);
    const long = `${'deep-'.repeat(20)}/${'n'.repeat(60)}.txt`;
    expect(seen).to.deep.include({
      'context/Dockerfile':
        'FROM alpine:3\nCOPY function /home/app\nCMD ["/home/app/handler.sh"]\n',
      'context/template.yml': 'language: shell\nhandler_folder: function\n',
      'context/function/handler.sh': '#!/bin/sh\necho "Hello, ü"\n',
      'context/function/empty': '',
      [`context/function/${long}`]: 'x',
    });
  });

  it('is refused if one bit of it is another, wherever', async () => {
    for (const at of [
      headEnd,
      headEnd + 600,
      Math.floor(recorded.length / 2),
      recorded.length - 1,
    ]) {
      expect(await exchange(changed(at)), String(at)).to.match(/^HTTP\/1\.1 401 /);
    }
    // In the signature itself.
    const signature = recorded.indexOf('sha256=') + 20;
    expect(await exchange(changed(signature))).to.match(/^HTTP\/1\.1 401 /);
    expect(asked).to.deep.equal([]);
  });
});
