import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { eventually } from '../../helpers/eventually.ts';
import { startGitServer, type TestGitServer } from './harness.ts';

describe('git server: maintenance', () => {
  let server: TestGitServer;
  let repo: string;

  /** Of a repo in which git finds two packs too many, and keeps one for each push. */
  const packs = async () =>
    (await readdir(join(repo, 'objects/pack'))).filter((name) => name.endsWith('.pack')).length;
  const pushThree = async (name: string): Promise<string> => {
    const { folder } = await server.pushed('alice', name);
    repo = join(server.options.folder, 'owners/alice/repos', name, 'git');
    await server.git(repo, 'config', 'gc.autoPackLimit', '1');
    await server.git(repo, 'config', 'receive.unpackLimit', '1');
    for (const text of ['1', '2', '3']) {
      await server.commit(folder, { text });
      await server.git(folder, 'push', '--quiet', 'origin', 'main');
    }
    return folder;
  };

  afterEach(() => server.close());

  it('is none within a push, and is made up for after the next start', async () => {
    server = await startGitServer({ quietMs: 60_000 });
    await pushThree('left');
    expect(await packs()).to.equal(3);
    Object.assign(server.options, { quietMs: 1 });
    await server.restart();
    await eventually(async () => expect(await packs()).to.equal(1));
    expect(server.lines.join('')).not.to.contain('could not be packed');
  });

  it('comes when nobody has pushed for a while, and is not taken for a change of branches', async () => {
    server = await startGitServer({ quietMs: 1 });
    const folder = await pushThree('busy');
    await eventually(async () => expect(await packs()).to.equal(1));
    await server.commit(folder, { text: '4' });
    await server.git(folder, 'push', '--quiet', 'origin', 'main');
    await eventually(() => expect(server.receiver.pushes()).to.have.length(5));
    const walk = server.receiver.pushes().map(({ body }) => body);
    expect(walk.slice(1).map(({ before }) => before)).to.deep.equal(
      walk.slice(0, -1).map(({ after }) => after),
    );
  });
});
