import type { IncomingMessage } from 'node:http';
import { expect } from 'chai';
import { createBuildLogs } from '#shared/build-log/build-logs.ts';
import { toCloudError } from '#shared/errors.ts';
import { identityHeader } from '#shared/messages/identity.ts';
import type { ReceivedRequest } from '#shared/messages/receive.ts';
import { type ServingLogs, serveLog } from '../../functions/pipeline-log/serve-log.ts';
import { eventually } from '../helpers/eventually.ts';
import { begin, send } from '../helpers/http-client.ts';
import { listen, type TestServer } from '../helpers/listen.ts';
import { createMemoryObjectStore, type MemoryObjectStore } from '../helpers/memory-object-store.ts';
import {
  get,
  signedGet,
  signedMessage,
  testSigner,
  visitorGet,
} from '../helpers/signed-request.ts';

const receiver = 'pipeline-log';
const sha = 'af6db'.repeat(8);
const name = { owner: 'alexellis', repo: 'super-cake', sha, function: 'slack-fn' };
const query = new URLSearchParams(name).toString();

describe('pipeline-log', () => {
  let store: MemoryObjectStore;
  let server: TestServer;
  let active = 0;

  beforeEach(async () => {
    store = createMemoryObjectStore();
    const deps: ServingLogs = {
      signer: testSigner,
      store,
      pollMs: 5,
      firstMs: 200,
      maxFollowMs: 10_000,
    };
    server = await listen(async (request, response) => {
      const gone = new AbortController();
      response.on('close', () => gone.abort());
      active += 1;
      try {
        await serveLog(deps, request, response, gone.signal);
      } catch (error) {
        const { status, code } = toCloudError(error);
        if (!response.headersSent) response.writeHead(status).end(code);
      } finally {
        active -= 1;
      }
    });
  });
  afterEach(() => server.close());

  const ask = ({ method, path, rawQuery, headers, rawBody }: ReceivedRequest) =>
    send(server.port, rawQuery === '' ? path : `${path}?${rawQuery}`, {
      method,
      headers: { ...(headers as Record<string, string>), 'content-length': rawBody.length },
      body: rawBody,
    });
  const add = (seq: number, text: string, final = false, run = 'run-1') =>
    ask(signedMessage(receiver, { ...name, run, seq, text, final }));
  const follow = (owners = ['alexellis']): Promise<IncomingMessage> => {
    const { headers } = visitorGet(receiver, `${query}&follow=1`, owners);
    return begin(server.port, `/?${query}&follow=1`, {
      headers: headers as Record<string, string>,
    });
  };
  const readAll = async (message: IncomingMessage): Promise<string> => {
    let text = '';
    for await (const chunk of message) text += chunk;
    return text;
  };

  it('gives nothing to somebody of that name at another SCM', async () => {
    await add(0, 'log\n', true);
    await store.put('owners/alexellis.json', JSON.stringify({ scm: 'gitlab', id: 1 }));
    const answer = await ask(visitorGet(receiver, query, ['alexellis']));
    expect(answer.status).to.equal(403);
  });

  it('keeps a log and gives it back as text', async () => {
    expect((await add(0, 'Step 1: é\n')).status).to.equal(204);
    expect((await add(1, 'done\n', true)).status).to.equal(204);
    expect([...store.objects.keys()]).to.include(
      `logs/alexellis/super-cake/${sha}/slack-fn/build.log`,
    );
    const answer = await ask(signedGet(receiver, query));
    expect(answer.status).to.equal(200);
    expect(answer.body).to.equal('Step 1: é\ndone\n');
    expect(answer.headers['content-type']).to.equal('text/plain; charset=utf-8');
    expect(answer.headers['x-content-type-options']).to.equal('nosniff');
  });

  it("understands the original's query", async () => {
    await add(0, 'log\n', true);
    const old = `repoPath=alexellis/super-cake&commitSHA=${sha}&function=slack-fn`;
    expect((await ask(signedGet(receiver, old))).body).to.equal('log\n');
  });

  it('says that there is no log', async () => {
    expect((await ask(signedGet(receiver, query))).status).to.equal(404);
    expect((await ask(signedGet(receiver, `${query}&follow=1`))).status).to.equal(404);
  });

  it('shows a log to whoever may see its owner, whatever the case', async () => {
    await add(0, 'log\n', true);
    const answer = await ask(visitorGet(receiver, query, ['bob', 'AlexEllis']));
    expect(answer.body).to.equal('log\n');
  });

  describe('refuses', () => {
    beforeEach(() => add(0, 'a secret\n', true));

    // Made when they are sent: an identity is good for a minute, and a run of all tests takes longer.
    const cases = (): Record<string, [ReceivedRequest, number]> => ({
      'a visitor without proof': [get(query), 401],
      'a visitor who may see others only': [visitorGet(receiver, query, ['mallory', 'alex']), 403],
      'a visitor who may see no one': [visitorGet(receiver, query, []), 403],
      'a signature for another function': [signedGet('list-functions', query), 401],
      'an identity for another function': [visitorGet('list-functions', query, ['alexellis']), 401],
      'a signature for another query': [{ ...signedGet(receiver, 'x=1'), rawQuery: query }, 401],
      'an identity for another query': [
        { ...visitorGet(receiver, 'x=1', ['alexellis']), rawQuery: query },
        401,
      ],
      'an identity without a signature': [
        get(query, {
          [identityHeader]: String(
            visitorGet(receiver, query, ['alexellis']).headers[identityHeader],
          ),
        }),
        401,
      ],
      'an internal signature beside an invented identity': [
        {
          ...signedGet(receiver, query),
          headers: {
            ...signedGet(receiver, query).headers,
            [identityHeader]: Buffer.from(
              '{"subject":"x","login":"x","owners":["alexellis"]}',
            ).toString('base64url'),
          },
        },
        401,
      ],
      'a path in a name': [
        signedGet(receiver, query.replace('owner=alexellis', 'owner=..%2F..')),
        422,
      ],
      'a short commit': [signedGet(receiver, query.replace(sha, 'af6db')), 422],
      'no query': [signedGet(receiver, ''), 422],
      'another method': [{ ...signedGet(receiver, query), method: 'DELETE' }, 405],
    });
    for (const [what, [, status]] of Object.entries(cases())) {
      it(`${what} (${status})`, async () => {
        const [request] = cases()[what] ?? [get(query)];
        const answer = await ask(request);
        expect(answer.status).to.equal(status);
        expect(answer.body).to.not.contain('secret');
      });
    }

    it('parts that no function of the platform sent', async () => {
      const part = { ...name, run: 'r', seq: 0, text: 'forged', final: true };
      const good = signedMessage(receiver, part);
      const forged = {
        ...good,
        rawBody: Buffer.from(good.rawBody.toString().replace('forged', 'Forged')),
      };
      expect((await ask(forged)).status).to.equal(401);
      expect((await ask({ ...good, headers: {} })).status).to.equal(401);
      expect((await ask(signedMessage(receiver, { ...part, sha: '..' }))).status).to.equal(400);
      expect((await ask(signedMessage(receiver, { ...part, seq: -1 }))).status).to.equal(400);
      expect((await ask(signedMessage('echo', part))).status).to.equal(401);
    });

    it('parts that are too large, without reading them to the end', async () => {
      const answer = await ask(
        signedMessage(receiver, {
          ...name,
          run: 'r',
          seq: 0,
          text: 'x'.repeat(600_000),
          final: true,
        }),
      );
      expect(answer.status).to.equal(413);
    });
  });

  describe('followed', () => {
    it('comes as it grows and ends with the last part', async () => {
      await add(0, 'one\n');
      const message = await follow();
      expect(message.statusCode).to.equal(200);
      const seen: string[] = [];
      message.on('data', (chunk) => seen.push(String(chunk)));
      const ended = new Promise((resolve) => message.on('end', resolve));
      await eventually(() => expect(seen.join('')).to.equal('one\n'));
      await add(1, 'two\n');
      await eventually(() => expect(seen.join('')).to.equal('one\ntwo\n'));
      await add(2, 'three\n', true);
      await ended;
      expect(seen.join('')).to.equal('one\ntwo\nthree\n');
    });

    it('waits for a log that has not begun', async () => {
      const pending = follow();
      await add(0, 'late\n', true);
      expect(await readAll(await pending)).to.equal('late\n');
    });

    it('gives each byte once, however many parts come between two looks', async () => {
      await add(0, 'begin\n');
      const reading = readAll(await follow());
      let expected = 'begin\n';
      for (let seq = 1; seq <= 60; seq += 1) {
        const line = `line ${seq}\n`;
        expected += line;
        await createBuildLogs(store).add(name as never, {
          run: 'run-1',
          seq,
          text: line,
          final: seq === 60,
        });
      }
      expect(await reading).to.equal(expected);
    });

    it('is the whole log at once when it is complete', async () => {
      await add(0, 'done\n', true);
      expect(await readAll(await follow())).to.equal('done\n');
    });

    it('goes on past a part that never came', async () => {
      await add(0, 'one\n');
      const reading = readAll(await follow());
      await add(2, 'three\n', true);
      expect(await reading).to.match(/^one\n(?:\[.*\]\n)?three\n$/);
    });

    it('shows the new build, not the one before', async () => {
      await add(0, 'first\n', true);
      await add(0, 'second\n', false, 'run-2');
      const reading = readAll(await follow());
      await add(1, 'end\n', true, 'run-2');
      expect(await reading).to.equal('second\nend\n');
    });

    it('ends when the reader goes', async () => {
      await add(0, 'one\n');
      const message = await follow();
      message.destroy();
      await eventually(() => expect(active).to.equal(0));
    });

    it('is not for others', async () => {
      await add(0, 'one\n');
      expect((await follow(['mallory'])).statusCode).to.equal(403);
    });
  });
});
