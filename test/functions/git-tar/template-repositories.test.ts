import { expect } from 'chai';
import { createTemplateFetch } from '../../../functions/git-tar/template-repositories.ts';
import { expectCode } from '../../helpers/expect-code.ts';
import { type GitHttpServer, serveGit } from '../../helpers/git-http-server.ts';
import { type GitRepo, gitRepo } from '../../helpers/git-repo.ts';

const limits = { maxBytes: 5 * 1024 * 1024, timeoutMs: 15_000 };
const path = 'template/go/template.yml';

describe('fetching template repos', () => {
  let repo: GitRepo;
  let server: GitHttpServer;

  before(async () => {
    repo = await gitRepo('unused');
    server = await serveGit(repo.folder);
    await repo.commit({ [path]: 'one' });
    await repo.git('tag', '--annotate', '--message=x', 'v1');
    await repo.git('branch', 'old');
  });
  after(async () => {
    await server.close();
    await repo.remove();
  });
  beforeEach(() => {
    server.requests.length = 0;
    server.intercept = () => false;
  });

  const packs = () => server.requests.filter((it) => it.path.endsWith('/git-upload-pack')).length;
  const make = (refreshMs: number) => {
    const fetch = createTemplateFetch(limits, refreshMs);
    return async (ref = '') => String(await (await fetch(server.url + ref)).tree.read(path));
  };

  it('asks once as long as the answer holds', async () => {
    const read = make(60_000);
    expect([await read(), await read()]).to.deep.equal(['one', 'one']);
    expect(packs()).to.equal(1);
    expect(server.requests.filter((it) => it.path.includes('info/refs'))).to.have.length.lessThan(
      3,
    );
  });

  it('fetches once for all who ask at the same time', async () => {
    const read = make(60_000);
    await Promise.all([read(), read(), read()]);
    expect(packs()).to.equal(1);
  });

  it('fetches again only what has moved, and what is in use stays readable', async () => {
    const fetch = createTemplateFetch(limits, 0);
    const before = await fetch(server.url);
    expect(await fetch(server.url)).to.equal(before);
    expect(packs()).to.equal(1);
    await repo.commit({ [path]: 'two' });
    const after = await fetch(server.url);
    expect(String(await after.tree.read(path))).to.equal('two');
    expect(String(await before.tree.read(path))).to.equal('one');
    await repo.commit({ [path]: 'three' });
    expect(String(await (await fetch(server.url)).tree.read(path))).to.equal('three');
    expect(String(await after.tree.read(path))).to.equal('two');
  });

  it('takes a branch or a tag, also an annotated one', async () => {
    const read = make(60_000);
    expect(await read('#old')).to.equal('one');
    expect(await read('#v1')).to.equal('one');
    expect(await read('#refs/heads/old')).to.equal('one');
    const error = await expectCode(read('#nowhere'), 'OFC_TEMPLATE');
    expect(error.hint).to.include('custom_templates');
  });

  it('goes on with what it has while the server is gone, without asking each time', async () => {
    const read = make(0);
    const known = await read();
    server.intercept = (_, response) => {
      response.writeHead(503).end();
      return true;
    };
    expect(await read()).to.equal(known);
    const patient = make(60_000);
    await expectCode(patient(), 'OFC_UPSTREAM');
    server.intercept = () => false;
    expect(await patient()).to.equal(known);
  });
});
