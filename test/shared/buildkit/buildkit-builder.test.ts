import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { status } from '@grpc/grpc-js';
import { expect } from 'chai';
import { eventually } from '../../helpers/eventually.ts';
import { expectCode } from '../../helpers/expect-code.ts';
import {
  type FakeBuildkit,
  type FakeOptions,
  startFakeBuildkit,
} from '../../helpers/fake-buildkit.ts';
import { builderAt, contextOf, filesOf } from './stage.ts';

const digest = `sha256:${'d'.repeat(64)}`;
const done = { 'containerimage.digest': digest };
const never = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('context canceled')));
  });

describe('a build on BuildKit', () => {
  const open: { close(): Promise<unknown> }[] = [];
  afterEach(async () => {
    for (const each of open.splice(0).reverse()) await each.close();
  });

  const start = async (options: FakeOptions): Promise<FakeBuildkit> => {
    const fake = await startFakeBuildkit(options);
    open.push({ close: () => fake.stop() });
    return fake;
  };
  const at = (...args: Parameters<typeof builderAt>) => {
    const builder = builderAt(...args);
    open.push(builder);
    return builder;
  };

  it('sees exactly what is below context/, over the session, and gives the digest', async () => {
    let seen: Record<string, string> = {};
    let methods: readonly string[] = [];
    let health = 0;
    const fake = await start({
      build: async ({ request, session }) => {
        seen = await filesOf(await session.pull(request.FrontendAttrs['context'] ?? ''));
        methods = session.methods;
        health = await session.health();
        return done;
      },
    });
    const builder = at([fake.address]);
    const context = await contextOf({ Dockerfile: 'FROM scratch\n', 'function/a.txt': 'a' });
    expect(await builder.build({ context })).to.deep.equal({
      image: 'registry.example/alice/hello-fn:1',
      digest,
    });
    expect(seen).to.deep.equal({
      Dockerfile: 'FROM scratch\n',
      function: '',
      'function/a.txt': 'a',
    });
    expect(health).to.equal(1);
    expect(methods).to.have.members([
      '/grpc.health.v1.Health/Check',
      '/moby.filesync.v1.Auth/Credentials',
      '/moby.buildkit.secrets.v1.Secrets/GetSecret',
      '/moby.upload.v1.Upload/Pull',
    ]);
  });

  it('is asked for once for the image store of old and of new daemons, with no entitlement', async () => {
    const fake = await start({ build: async () => done });
    await at([fake.address]).build();
    const [request] = fake.solved;
    expect(request?.Exporters[0]).to.deep.include({
      Type: 'image',
      Attrs: {
        name: 'registry.example/alice/hello-fn:1',
        push: 'true',
        'oci-mediatypes': 'true',
      },
    });
    expect(request?.ExporterDeprecated).to.equal('image');
    expect(request?.ExporterAttrsDeprecated).to.deep.equal(request?.Exporters[0]?.Attrs);
    expect(request?.Entitlements).to.deep.equal([]);
    expect(request?.Frontend).to.equal('dockerfile.v0');
    // With the key present no "# syntax=" is obeyed.
    expect(request?.FrontendAttrs).to.include({ cmdline: '' });
  });

  it('logs in at the registries of the list, and at no other', async () => {
    const asked: unknown[] = [];
    const fake = await start({
      build: async ({ session }) => {
        for (const host of ['registry.example', 'registry-1.docker.io', 'evil.example']) {
          const { Username, Secret } = await session.credentials(host);
          asked.push([host, Username, Secret]);
        }
        return done;
      },
    });
    const logins = new Map([
      ['registry.example', { username: 'bob', secret: 'pass-word' }],
      ['docker.io', { username: '', secret: 'identity-token' }],
    ]);
    await at([fake.address], { logins }).build();
    expect(asked).to.deep.equal([
      ['registry.example', 'bob', 'pass-word'],
      ['registry-1.docker.io', '', 'identity-token'],
      ['evil.example', '', ''],
    ]);
  });

  it('gets its build secrets, no others, and none of them into the log', async () => {
    let missing: unknown;
    const fake = await start({
      build: async ({ session, tell }) => {
        const value = await session.secret('npmrc');
        missing = await session.secret('other').catch((error: unknown) => error);
        tell({ vertexes: [{ digest: 'v', name: 'RUN it', started: { seconds: 1n, nanos: 0 } }] });
        tell({ logs: [{ vertex: 'v', msg: Buffer.concat([Buffer.from('got '), value]) }] });
        tell({ logs: [{ vertex: 'v', msg: Buffer.from('\nand pass-word\n') }] });
        throw new Error(`exit code: 1 with ${value}`);
      },
    });
    const logins = new Map([['registry.example', { username: 'bob', secret: 'pass-word' }]]);
    const builder = at([fake.address], { logins });
    const secrets = new Map([['npmrc', Buffer.from('top-secret-token')]]);
    const error = await expectCode(builder.build({ secrets }), 'OFC_BUILD_FAILED');
    expect(missing).to.include({ code: status.NOT_FOUND });
    expect(builder.log).to.deep.equal(['#1 RUN it', '#1 got •••', '#1 and •••']);
    expect(error.text).to.equal(
      'The image did not build: exit code: 1 with ••• See the build log.',
    );
  });

  it('hands its log on while it runs', async () => {
    let goOn: () => void = () => undefined;
    const fake = await start({
      build: async ({ tell }) => {
        tell({ vertexes: [{ digest: 'v', name: 'RUN slow', started: { seconds: 1n, nanos: 0 } }] });
        tell({ logs: [{ vertex: 'v', msg: Buffer.from('first\n') }] });
        await new Promise<void>((resolve) => {
          goOn = resolve;
        });
        return done;
      },
    });
    const builder = at([fake.address]);
    const building = builder.build();
    await eventually(() => expect(builder.log).to.deep.equal(['#1 RUN slow', '#1 first']));
    goOn();
    await building;
  });

  it('is cancelled at the daemon within a second', async () => {
    let cancelledAt = 0;
    let running = false;
    const fake = await start({
      build: async ({ cancelled }) => {
        running = true;
        cancelled.addEventListener('abort', () => {
          cancelledAt = Date.now();
        });
        return never(cancelled);
      },
    });
    const abort = new AbortController();
    const building = at([fake.address]).build({ signal: abort.signal });
    building.catch(() => undefined);
    await eventually(() => expect(running).to.equal(true));
    const asked = Date.now();
    abort.abort();
    await expectCode(building, 'OFC_TIMEOUT');
    await eventually(() => expect(cancelledAt).to.be.above(0));
    expect(Math.max(cancelledAt, Date.now()) - asked).to.be.below(1000);
  });

  it('is not begun if it was ended before', async () => {
    const fake = await start({ build: async () => done });
    const signal = AbortSignal.abort();
    await expectCode(at([fake.address]).build({ signal }), 'OFC_TIMEOUT');
    expect(fake.solved).to.deep.equal([]);
  });

  it('starts anew, and says so, after the daemon was killed in mid-build', async () => {
    let running = false;
    const first = await start({
      build: async ({ session, request, cancelled }) => {
        await session.pull(request.FrontendAttrs['context'] ?? '');
        running = true;
        return never(cancelled);
      },
    });
    const { address } = first;
    const builder = at([address], { waitMs: 20_000 });
    const building = builder.build();
    building.catch(() => undefined);
    await eventually(() => expect(running).to.equal(true));
    await first.stop();
    await eventually(() => expect(builder.log.join('\n')).to.contain('Waiting for it'));
    let pulled = 0;
    await start({
      listen: address.replace('tcp://', ''),
      build: async ({ session, request }) => {
        pulled = (await session.pull(request.FrontendAttrs['context'] ?? '')).length;
        return done;
      },
    });
    expect((await building).digest).to.equal(digest);
    expect(pulled).to.be.above(0);
    expect(builder.log[0]).to.match(/^BuildKit at tcp:.* is gone .*starts anew once it is back\.$/);
  }).timeout(15_000);

  it('gives up, to be asked again, if no daemon comes back', async () => {
    const fake = await start({ build: async () => done });
    await fake.stop();
    const builder = at([fake.address], { waitMs: 100 });
    await expectCode(builder.build(), 'OFC_UPSTREAM');
    expect(builder.log).to.have.lengthOf(1);
  });

  it('comes to an end though it takes its daemon down each time', async () => {
    let builds = 0;
    const fake = await start({
      build: async () => {
        builds += 1;
        throw Object.assign(new Error('x'), {
          code: status.UNAVAILABLE,
          details: 'transport is closing',
        });
      },
    });
    await expectCode(at([fake.address]).build(), 'OFC_UPSTREAM');
    expect(builds).to.equal(3);
  });

  it('keeps to one daemon of a pool for each repo, and goes to another if that is gone', async () => {
    const fakes = await Promise.all([1, 2, 3].map(() => start({ build: async () => done })));
    const builder = at(fakes.map(({ address }) => address));
    for (let n = 0; n < 4; n += 1) await builder.build({ scope: 'alice/hello' });
    const [used, ...more] = fakes.filter(({ solved }) => solved.length > 0);
    expect(more).to.deep.equal([]);
    await used?.stop();
    await builder.build({ scope: 'alice/hello' });
    expect(fakes.filter(({ solved }) => solved.length === 1)).to.have.lengthOf(1);
    for (let n = 0; n < 20; n += 1) await builder.build({ scope: `owner${n}/repo` });
    expect(fakes.filter(({ solved }) => solved.length > 1).length).to.equal(3);
  }).timeout(20_000);

  it('never starts from a context that is not the planned one', async () => {
    let pulled: unknown;
    const fake = await start({
      build: async ({ session, request }) => {
        pulled = await session
          .pull(request.FrontendAttrs['context'] ?? '')
          .catch((e: unknown) => e);
        throw new Error('failed to read downloaded context');
      },
    });
    const context = await contextOf({ Dockerfile: 'FROM scratch\n' });
    const wrong = { ...context, digest: `sha256:${createHash('sha256').digest('hex')}` };
    const error = await expectCode(at([fake.address]).build({ context: wrong }), 'OFC_UPSTREAM');
    expect(error.message).to.contain('not the one that was planned');
    expect(pulled).to.be.instanceOf(Error);
  });

  it('says what is wrong with a context that may not enter', async () => {
    const fake = await start({
      build: async ({ session, request }) => {
        await session.pull(request.FrontendAttrs['context'] ?? '');
        return done;
      },
    });
    const limits = { maxEntries: 10, maxFileBytes: 10, maxTotalBytes: 10, maxDepth: 3 };
    const context = await contextOf({ Dockerfile: 'FROM scratch\n# too long\n' });
    await expectCode(at([fake.address], { limits }).build({ context }), 'OFC_TOO_LARGE');
    const gone = { open: () => Promise.reject(new Error('the store is gone')) };
    const error = await at([fake.address])
      .build({ context: gone })
      .catch((e: unknown) => e);
    expect(error).to.include({ code: 'OFC_UPSTREAM', message: 'The build context broke off.' });
  });

  it('reads the context no faster than the daemon takes it, and stops when it goes', async () => {
    const total = 64;
    const megabyte = Buffer.alloc(1024 * 1024, 'x');
    let read = 0;
    let readWhilePaused = 0;
    let destroyed = false;
    const fake = await start({
      build: async ({ session, request, cancelled }) => {
        await session.pull(request.FrontendAttrs['context'] ?? '', async () => {
          readWhilePaused = read;
          await never(cancelled);
        });
        return done;
      },
    });
    const header = (await contextOf({ big: 'x' })).tar.subarray(512, 1024);
    header.write(`${(total * megabyte.length).toString(8).padStart(11, '0')}\0`, 124);
    header.fill(' ', 148, 156);
    const sum = header.reduce((all, byte) => all + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    async function* tar() {
      try {
        yield header;
        for (read = 0; read < total; read += 1) yield megabyte;
        yield Buffer.alloc(1024);
      } finally {
        destroyed = true;
      }
    }
    const abort = new AbortController();
    const limits = { maxEntries: 9, maxFileBytes: 1e9, maxTotalBytes: 1e9, maxDepth: 3 };
    const context = { open: async () => Readable.from(tar(), { objectMode: false }) };
    const building = at([fake.address], { limits }).build({ context, signal: abort.signal });
    building.catch(() => undefined);
    await eventually(() => expect(readWhilePaused).to.be.above(0));
    let before = 0;
    const stalled = () => {
      const moved = read - before;
      before = read;
      expect(moved).to.equal(0);
    };
    await eventually(stalled, { everyMs: 100 });
    expect(read, 'megabytes read ahead').to.be.below(24);
    abort.abort();
    await expectCode(building, 'OFC_TIMEOUT');
    await eventually(() => expect(destroyed).to.equal(true));
  }).timeout(10_000);

  it('fails with the daemon’s own words, and says what a refused credential means', async () => {
    let text = '';
    const fake = await start({
      build: async () => {
        throw new Error(text);
      },
    });
    const builder = at([fake.address]);
    text = 'process "/bin/sh -c false" did not complete successfully: exit code: 1';
    expect((await expectCode(builder.build(), 'OFC_BUILD_FAILED')).text).to.contain(text);
    text = 'failed to push registry.example/alice/hello-fn:1: 401 Unauthorized';
    const push = await expectCode(builder.build(), 'OFC_CONFIG');
    expect(push.text).to.match(/registry\.example refused the credentials.*docker-config/);
    text = 'pull access denied, repository does not exist or may require authorization';
    const pull = await expectCode(builder.build(), 'OFC_BUILD_FAILED');
    expect(pull.text).to.match(/A registry refused.*base image/);
  });

  it('says in the log what an old daemon cannot do', async () => {
    const fake = await start({ age: 'old', build: async () => done });
    const builder = at([fake.address], {
      policy: { cache: 'registry', provenance: 'max', sbom: 'default', platforms: [] },
    });
    await builder.build();
    expect(builder.log).to.deep.equal([
      'This BuildKit makes no attestations: the image is without provenance and SBOM.',
    ]);
    const attrs = Object.keys(fake.solved[0]?.FrontendAttrs ?? {});
    expect(attrs.filter((name) => name.startsWith('attest'))).to.deep.equal([]);
  });

  it('follows "# syntax=" only to a frontend that the operator lists', async () => {
    const fake = await start({ build: async () => done });
    const builder = at([fake.address], { frontends: ['docker/dockerfile:1', 'good.example/*'] });
    const build = async (line: string) =>
      builder.build({ context: await contextOf({ Dockerfile: `${line}\nFROM scratch\n` }) });
    await build('# syntax=good.example/front:2');
    await build('# syntax=evil.example/front:2');
    await build('FROM a\n# syntax=good.example/front:2');
    expect(
      fake.solved.map(({ Frontend, FrontendAttrs }) => [Frontend, FrontendAttrs['source']]),
    ).to.deep.equal([
      ['gateway.v0', 'good.example/front:2'],
      ['dockerfile.v0', undefined],
      ['dockerfile.v0', undefined],
    ]);
    expect(builder.log).to.deep.equal([
      '# syntax=evil.example/front:2 is not followed: the operator does not allow that frontend.',
    ]);
  });

  it('makes the repository first where that is asked for', async () => {
    const order: string[] = [];
    const fake = await start({
      build: async () => {
        order.push('build');
        return done;
      },
    });
    const prepareRepository = async (image: string) => void order.push(image);
    await at([fake.address], { prepareRepository }).build();
    expect(order).to.deep.equal(['registry.example/alice/hello-fn:1', 'build']);
  });
});
