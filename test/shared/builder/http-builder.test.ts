import { createHmac } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { expect } from 'chai';
import type { BuiltImage } from '#shared/builder/builder.ts';
import { createHttpBuilder } from '#shared/builder/http-builder.ts';
import { defaultSourceLimits } from '#shared/shrinkwrap/limits.ts';
import { packContext } from '#shared/tar/pack-context.ts';
import { readBuilderRequest } from '#shared/tar/read-builder-request.ts';
import { eventually } from '../../helpers/eventually.ts';
import { expectCode } from '../../helpers/expect-code.ts';
import { listen, type TestServer } from '../../helpers/listen.ts';
import { readSeen, type Seen } from '../../helpers/test-gateway.ts';

const secret = 'payload secret';
const file = {
  kind: 'file',
  path: 'Dockerfile',
  mode: 0o644,
  content: Buffer.from('FROM scratch\n'),
} as const;
const success = { status: 'success', image: 'r/a:1', digest: 'sha256:1' };

describe('a builder behind HTTP', () => {
  let server: TestServer;
  let seen: Seen | undefined;
  let answer: (response: ServerResponse) => void;
  let log: string[];

  before(async () => {
    server = await listen(async (request, response) => {
      seen = await readSeen(request);
      answer(response);
    });
  });
  after(() => server.close());
  beforeEach(() => {
    log = [];
  });

  const build = async (
    signal = new AbortController().signal,
    url = server.url,
  ): Promise<BuiltImage> => {
    const { tar } = await packContext([file]);
    return createHttpBuilder(url, secret).build({
      context: { open: async () => Readable.from([tar]) },
      image: 'r/a:1',
      scope: 'alice/hello',
      buildArgs: { GO111MODULE: 'on' },
      onLog: (line) => log.push(line),
      signal,
    });
  };
  const answerLines = (...lines: readonly unknown[]) => {
    answer = (response) => response.end(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  };

  it('gets a signed tar with the context and what to make of it', async () => {
    answerLines(success);
    expect(await build()).to.deep.equal({ image: 'r/a:1', digest: 'sha256:1' });
    const { method, url, headers, body = Buffer.alloc(0) } = seen ?? {};
    expect([method, url]).to.deep.equal(['POST', '/build']);
    const mac = createHmac('sha256', secret).update(body).digest('hex');
    expect(headers?.['x-build-signature']).to.equal(`sha256=${mac}`);
    const request = await readBuilderRequest(Readable.from([body]), defaultSourceLimits);
    expect(request.config).to.deep.include({ image: 'r/a:1', buildArgs: { GO111MODULE: 'on' } });
    expect(request.entries.map(({ path }) => path)).to.deep.equal(['Dockerfile']);
  });

  it('gives the log in order, wherever the chunks end, also within a character', async () => {
    const bytes = Buffer.from(
      `${JSON.stringify({ log: ['eins', 'zwei: ü💥'] })}\r\n\n${JSON.stringify({ log: null, status: 'in_progress' })}\n${JSON.stringify({ ...success, log: ['drei'] })}`,
    );
    for (const size of [1, 3, 7, bytes.length]) {
      log = [];
      answer = async (response) => {
        for (let start = 0; start < bytes.length; start += size) {
          response.write(bytes.subarray(start, start + size));
          await new Promise((resolve) => setImmediate(resolve));
        }
        response.end();
      };
      await build();
      expect(log).to.deep.equal(['eins', 'zwei: ü💥', 'drei']);
    }
  });

  it('may leave image and digest out', async () => {
    answerLines({ status: 'success' });
    expect(await build()).to.deep.equal({ image: 'r/a:1', digest: undefined });
  });

  for (const status of ['failed', 'failure']) {
    it(`says ${status} with a text`, async () => {
      answerLines({ log: ['npm ERR!'] }, { status, error: 'exit code 1' });
      const error = await expectCode(build(), 'OFC_BUILD_FAILED');
      expect(error.text).to.equal('exit code 1. See the build log.');
      expect(log).to.deep.equal(['npm ERR!']);
    });
  }

  for (const [what, body] of [
    ['just ends', '{"log":["a"]}\n'],
    ['is empty', ''],
    ['ends within a line', '{"log":["a"]}\n{"status":"succ'],
    ['is no JSON', 'panic: runtime error\n'],
    ['has another shape', '{"log":"text"}\n'],
    ['has a status of another kind', '{"status":7}\n'],
    ['has a line without end', `{"log":["${'x'.repeat(17 * 1024 * 1024)}`],
  ] as const) {
    it(`has failed, and may be asked again, if its answer ${what}`, async () => {
      answer = (response) => response.end(body);
      await expectCode(build(), 'OFC_UPSTREAM');
    });
  }

  it('has failed, and may be asked again, if the connection breaks off', async () => {
    answer = (response) => {
      response.write('{"log":["a"]}\n', () => response.destroy());
    };
    await expectCode(build(), 'OFC_UPSTREAM');
    answer = (response) => response.destroy();
    await expectCode(build(), 'OFC_UPSTREAM');
  });

  it('is not there', async () => {
    const gone = await listen(() => undefined);
    await gone.close();
    await expectCode(build(undefined, gone.url), 'OFC_UPSTREAM');
  });

  for (const [status, code] of [
    [429, 'OFC_BUSY'],
    [503, 'OFC_BUSY'],
    [401, 'OFC_CONFIG'],
    [403, 'OFC_CONFIG'],
    [413, 'OFC_BUILD_FAILED'],
    [500, 'OFC_UPSTREAM'],
    [400, 'OFC_UPSTREAM'],
    [302, 'OFC_UPSTREAM'],
  ] as const) {
    it(`answers ${status}: ${code}`, async () => {
      answer = (response) => response.writeHead(status, { location: '/elsewhere' }).end('why');
      await expectCode(build(), code);
    });
  }

  it('is hung up on when the build is to end, before or within its answer', async () => {
    for (const begins of [false, true]) {
      let closed = false;
      const controller = new AbortController();
      answer = (response) => {
        response.on('close', () => {
          closed = true;
        });
        if (begins) response.write('{"log":["a"]}\n');
        else controller.abort();
      };
      const building = expectCode(build(controller.signal), 'OFC_TIMEOUT');
      if (begins) {
        await eventually(() => expect(log).to.deep.equal(['a']));
        controller.abort();
      }
      await building;
      await eventually(() => expect(closed).to.equal(true));
    }
  });
});
