import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { scmsAt } from '../../../local/platform/scms-at.ts';
import { createSecretStore, type SecretStore } from '../../../local/secrets/secret-store.ts';
import { expectCode } from '../../helpers/expect-code.ts';
import { root } from '../../helpers/source-files.ts';
import { tempDir } from '../../helpers/temp-dir.ts';

describe('npm start with a GitLab or a Gitea', () => {
  let dir: Awaited<ReturnType<typeof tempDir>>;
  let folder: string;
  let store: SecretStore;
  beforeEach(async () => {
    dir = await tempDir();
    folder = join(dir.path, 'secrets');
    store = await createSecretStore({ folder });
  });
  afterEach(() => dir.remove());

  it('gives the functions where it is, and each the secrets that it needs', async () => {
    for (const name of ['gitlab-api-token', 'gitlab-signing-token', 'gitea-api-token']) {
      await store.create(name, Buffer.from('x'));
    }
    const addresses = { gitlab: 'https://git.example.com', gitea: 'http://127.0.0.1:3000' };
    expect(await scmsAt(addresses, store, folder)).to.deep.equal({
      kinds: ['gitlab', 'gitea'],
      environment: { gitlab_instance: addresses.gitlab, gitea_url: addresses.gitea },
      secrets: {},
      moreSecrets: {
        'git-tar': ['gitlab-api-token'],
        'gitlab-event': ['gitlab-signing-token'],
      },
    });
    expect((await scmsAt({}, store, folder)).kinds).to.deep.equal([]);
  });

  it('makes the webhooks’ secret once', async () => {
    await store.create('gitea-api-token', Buffer.from('x'));
    const secret = () => readFile(join(folder, 'gitea-webhook-secret'), 'utf8');
    await scmsAt({ gitea: 'http://127.0.0.1:3000' }, store, folder);
    const first = await secret();
    expect(first).to.match(/^[\w-]{43}$/);
    await scmsAt({ gitea: 'http://127.0.0.1:3000' }, store, folder);
    expect(await secret()).to.equal(first);
  });

  it('says where to put a token that is missing', async () => {
    const error = await expectCode(
      scmsAt({ gitlab: 'https://git.example.com' }, store, folder),
      'OFC_CONFIG',
    );
    expect(error.text).to.contain(`${folder}/gitlab-api-token`).and.to.contain('operators.md');
    expect(await readdir(folder)).to.deep.equal([]);
  });

  it('is said on the command line', async function () {
    this.timeout(60_000);
    const start = (...args: string[]) =>
      new Promise<string>((resolve) => {
        const all = [join(root, 'local/start.mjs'), '--data', dir.path, ...args];
        execFile(process.execPath, all, (_error, stdout, stderr) => resolve(stdout + stderr));
      });
    expect(await start('--help')).to.match(/--gitlab <url>.*\n.*--gitea <url>/);
    expect(await start('--gitlab', 'https://git.example.com')).to.match(
      /OFC_CONFIG: --gitlab needs the secret gitlab-api-token\. Write a token/,
    );
    expect(await start('--gitea', 'git.example.com')).to.contain('--gitea must be a URL');
  });
});
