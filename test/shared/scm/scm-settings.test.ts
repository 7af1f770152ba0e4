import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { type Environment, loadConfig } from '#shared/config.ts';
import { parseScmId, scmKind } from '#shared/scm/scm-id.ts';
import { requireOwnSecrets, scmSettings } from '#shared/scm/scm-settings.ts';
import { expectCode } from '../../helpers/expect-code.ts';
import { tempDir } from '../../helpers/temp-dir.ts';

describe('names of SCMs', () => {
  it('are a kind, or a kind with a name behind it', () => {
    for (const [id, kind] of Object.entries({
      github: 'github',
      'github-enterprise': 'github',
      gitlab: 'gitlab',
      'gitlab-work2': 'gitlab',
      'gitea-forgejo': 'gitea',
    })) {
      expect(scmKind(parseScmId(id))).to.equal(kind);
    }
  });

  it('hold nothing that a key, a variable or a secret could not', async () => {
    for (const id of [
      ...['', 'bitbucket', 'GitHub', 'github-', 'gitlab-2', 'gitlab-a-b', 'gitlab-a_b', 'gitlab/x'],
      ...['gitlab-..', 'gitlab-previous', `gitlab-${'a'.repeat(21)}`, 'gitlab work', 7, undefined],
    ]) {
      await expectCode(() => parseScmId(id), 'OFC_BAD_REQUEST');
    }
  });
});

describe('settings of several SCMs', () => {
  let folder: Awaited<ReturnType<typeof tempDir>>;
  before(async () => {
    folder = await tempDir();
    await writeFile(join(folder.path, 'token'), 'of the first');
    await writeFile(join(folder.path, 'token-work'), 'of the second');
  });
  after(() => folder.remove());

  const read = (env: Environment) =>
    loadConfig(
      (settings) =>
        scmSettings(settings, 'gitlab').map(({ scm, settings: own }) => [
          scm,
          own.url('url', 'https://gitlab.com'),
          own.text('topic', 'usual'),
          own.secret('token'),
          own.optionalSecret('none'),
        ]),
      { secret_mount_path: folder.path, ...env },
    );

  it('are those of the tables; of a further one with its name behind them', () => {
    const more = { url_work: 'https://git.example.com/', topic_work: 'own' };
    expect(read({ scms: 'github, gitlab ,gitlab-work', ...more })).to.deep.equal([
      ['gitlab', 'https://gitlab.com', 'usual', 'of the first', undefined],
      ['gitlab-work', 'https://git.example.com', 'own', 'of the second', undefined],
    ]);
    expect(read({})).to.have.length(1);
    expect(read({ scms: 'github' })).to.deep.equal([]);
  });

  it('say where a further one is: its token never goes to the public site by mistake', async () => {
    const error = await expectCode(() => read({ scms: 'gitlab,gitlab-work' }), 'OFC_CONFIG');
    expect(error.message).to.contain('url_work is not set');
  });

  it('name each once, and only those that there are', async () => {
    for (const scms of ['gitlab,gitlab', 'gitlab,svn']) {
      await expectCode(() => read({ scms }), 'OFC_CONFIG');
    }
  });

  it('are refused if two have a webhook secret in common, also one in rotation', async () => {
    const first = { scm: parseScmId('gitlab'), secrets: ['a', 'old'] };
    const second = (...secrets: (string | undefined)[]) => {
      return { scm: parseScmId('gitlab-work'), secrets };
    };
    for (const shared of [second('a', undefined), second('b', 'a'), second('old', 'c')]) {
      const error = await expectCode(() => requireOwnSecrets([first, shared]), 'OFC_CONFIG');
      expect(error.text).to.contain('gitlab and gitlab-work').and.to.not.contain('old');
    }
    requireOwnSecrets([first, second('b', undefined), { ...second(undefined, undefined) }]);
    requireOwnSecrets([{ ...first, secrets: ['same', 'same'] }]);
  });
});
