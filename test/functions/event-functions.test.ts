import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import * as giteaEvent from '../../functions/gitea-event/handler.ts';
import * as githubEvent from '../../functions/github-event/handler.ts';
import * as gitlabEvent from '../../functions/gitlab-event/handler.ts';
import { expectCode } from '../helpers/expect-code.ts';
import { writePlatformSecrets } from '../helpers/platform-environment.ts';
import { tempDir } from '../helpers/temp-dir.ts';

/** What a test sets does not reach the next one. */
const environment = { ...process.env };

describe('event functions of two SCMs of a kind', () => {
  let folder: Awaited<ReturnType<typeof tempDir>>;
  before(async () => {
    folder = await tempDir();
    await writePlatformSecrets(folder.path);
    Object.assign(process.env, {
      secret_mount_path: folder.path,
      s3_url: '127.0.0.1:1',
      scms: 'github,github-work,gitlab,gitlab-work,gitea,gitea-work',
      github_url_work: 'https://github.example.com',
      gitlab_instance_work: 'https://gitlab.example.com',
      gitea_url_work: 'https://gitea.example.com',
    });
    await writeFile(join(folder.path, 'gitlab-api-token-work'), 'another token');
  });
  after(async () => {
    for (const name of Object.keys(process.env)) delete process.env[name];
    Object.assign(process.env, environment);
    await folder.remove();
  });

  for (const [kind, { init }] of Object.entries({
    github: githubEvent,
    gitlab: gitlabEvent,
    gitea: giteaEvent,
  })) {
    it(`do not start with one webhook secret for both: ${kind}`, async () => {
      const name = `${kind}-webhook-secret`;
      const secret = 'the-same-value';
      await writeFile(join(folder.path, name), secret);
      await writeFile(join(folder.path, `${name}-work`), `${secret}\n`);
      const error = await expectCode(init, 'OFC_CONFIG');
      expect(error.message).to.equal(`${kind} and ${kind}-work have the same webhook secret.`);
      expect(error.text).to.not.contain(secret);
    });
  }
});
