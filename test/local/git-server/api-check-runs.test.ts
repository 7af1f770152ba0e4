import { expect } from 'chai';
import { apiStage, hello, refused } from './api-stage.ts';
import { appId } from './harness.ts';

describe('git server: REST API', () => {
  const api = apiStage();

  describe('check runs', () => {
    it('are made, changed in place, found by name, and survive a restart', async () => {
      const { data: made, status } = await api.octokit.checks.create({
        ...hello,
        name: 'stack-deploy',
        head_sha: api.sha,
        status: 'in_progress',
        details_url: 'http://127.0.0.1/x',
        external_id: 'd1',
        output: { title: 'Deploy', summary: 'running' },
      });
      expect(status).to.equal(201);
      expect(made).to.include({
        status: 'in_progress',
        conclusion: null,
        head_sha: api.sha,
        name: 'stack-deploy',
        external_id: 'd1',
      });
      expect(made.app?.id).to.equal(appId);
      await api.server.restart();
      const { data: done } = await api.octokit.checks.update({
        ...hello,
        check_run_id: made.id,
        conclusion: 'success',
        output: { title: 'Deployed', summary: 'fine', text: 'log' },
      });
      expect(done).to.include({
        id: made.id,
        status: 'completed',
        conclusion: 'success',
        external_id: 'd1',
      });
      expect(done.completed_at).to.match(/Z$/);
      expect(
        (await api.octokit.checks.get({ ...hello, check_run_id: made.id })).data,
      ).to.deep.equal(done);
      for (const ref of [api.sha, 'main', 'heads/main', api.sha.slice(0, 10)]) {
        const { data } = await api.octokit.checks.listForRef({
          ...hello,
          ref,
          check_name: 'stack-deploy',
          app_id: appId,
        });
        expect(
          data.check_runs.map(({ id }) => id),
          ref,
        ).to.deep.equal([made.id]);
      }
      expect(
        (await api.octokit.checks.listForRef({ ...hello, ref: api.sha, app_id: 1 })).data
          .total_count,
      ).to.equal(0);
    });

    it('are listed newest first, the latest of each name, page by page', async () => {
      const { sha: target } = await api.server.pushed('alice', 'pages');
      const pages = { owner: 'alice', repo: 'pages' };
      for (let index = 0; index < 7; index += 1) {
        await api.octokit.checks.create({ ...pages, name: `fn-${index}`, head_sha: target });
      }
      await api.octokit.checks.create({
        ...pages,
        name: 'fn-0',
        head_sha: target,
        conclusion: 'skipped',
        status: 'completed',
      });
      const first = await api.octokit.checks.listForRef({ ...pages, ref: target, per_page: 3 });
      expect(first.data.total_count).to.equal(7);
      expect(first.data.check_runs.map(({ name }) => name)).to.deep.equal(['fn-0', 'fn-6', 'fn-5']);
      expect(first.headers.link)
        .to.contain('rel="next"')
        .and.to.contain(`${api.server.api}/repos/alice/pages/commits/`);
      const all = await api.octokit.paginate(api.octokit.checks.listForRef, {
        ...pages,
        ref: target,
        per_page: 3,
        filter: 'all',
      });
      expect(all).to.have.length(8);
    });

    it('are refused as GitHub refuses them', async () => {
      const make = (fields: object) =>
        refused(
          api.octokit.request('POST /repos/{owner}/{repo}/check-runs', {
            ...hello,
            name: 'x',
            head_sha: api.sha,
            ...fields,
          }),
        );
      const cases: [object, string][] = [
        [{ status: 'finished' }, 'status'],
        [{ conclusion: 'great' }, 'conclusion'],
        [{ status: 'completed' }, 'conclusion'],
        [{ name: '' }, 'name'],
        [{ name: undefined }, 'name'],
        [{ head_sha: undefined }, 'head_sha'],
        [{ details_url: 'javascript:alert(1)' }, 'details_url'],
        [{ started_at: 'yesterday' }, 'started_at'],
        [{ output: { title: 'x', summary: 's', text: 'x'.repeat(65_536) } }, 'output.text'],
        [{ output: { title: 'x' } }, 'output.summary'],
      ];
      for (const [fields, field] of cases) {
        const { status, response } = await make(fields);
        expect(status, field).to.equal(422);
        expect(
          response.data.errors?.map((error) => error.field),
          field,
        ).to.deep.equal([field]);
      }
      expect((await make({ head_sha: 'f'.repeat(40) })).message).to.contain(
        'No commit found for SHA',
      );
      const { data } = await api.octokit.checks.create({
        ...hello,
        name: 'long',
        head_sha: api.sha,
        output: { title: 't', summary: 's', text: 'x'.repeat(65_535) },
      });
      expect(data.output.text).to.have.length(65_535);
      expect(
        (await refused(api.octokit.checks.update({ ...hello, check_run_id: 1, status: 'queued' })))
          .status,
      ).to.equal(404);
      expect(
        (
          await refused(
            api.octokit.checks.update({ ...hello, check_run_id: data.id, status: 'completed' }),
          )
        ).status,
      ).to.equal(422);
    });

    it("need a token of the owner's installation", async () => {
      const create = { ...hello, name: 'x', head_sha: api.sha };
      expect((await refused(api.server.anonymous().checks.create(create))).status).to.equal(401);
      const { sha: bobs } = await api.server.pushed('bob', 'his');
      const bob = api.server.app(
        (await api.server.app().apps.getUserInstallation({ username: 'bob' })).data.id,
      );
      expect((await refused(bob.checks.create(create))).status).to.equal(403);
      expect(
        (await bob.checks.create({ owner: 'bob', repo: 'his', name: 'x', head_sha: bobs })).status,
      ).to.equal(201);
      const wrong = await fetch(`${api.server.api}/repos/alice/hello`, {
        headers: { authorization: 'Bearer ghs_wrong' },
      });
      expect(wrong.status).to.equal(401);
    });

    it('keep all of several updates at once', async () => {
      const { data } = await api.octokit.checks.create({
        ...hello,
        name: 'busy',
        head_sha: api.sha,
      });
      const annotation = {
        path: 'a',
        start_line: 1,
        end_line: 1,
        annotation_level: 'notice' as const,
        message: 'm',
      };
      await Promise.all(
        Array.from({ length: 10 }, () =>
          api.octokit.checks.update({
            ...hello,
            check_run_id: data.id,
            output: { title: 't', summary: 's', annotations: [annotation] },
          }),
        ),
      );
      expect(
        (await api.octokit.checks.get({ ...hello, check_run_id: data.id })).data.output
          .annotations_count,
      ).to.equal(10);
    });
  });
});
