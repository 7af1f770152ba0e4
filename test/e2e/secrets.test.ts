import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import sodium from 'libsodium-wrappers';
import { parsePublicKey } from '#shared/sealed-box.ts';
import { deploymentsOn, stackFile } from '../helpers/deployments.ts';
import { eventually } from '../helpers/eventually.ts';
import { httpGet } from '../helpers/http-get.ts';
import { type PlatformProcess, secretOf } from '../helpers/platform-process.ts';
import { sealWithSodium } from '../helpers/seal-with-sodium.ts';
import { sharedPlatform } from '../helpers/shared-platform.ts';

/** Answers what its secret holds, so that the test sees it arrive; nobody else should. */
const telling = (secret: string) => `import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = process.env['secret_mount_path'] ?? '/var/openfaas/secrets';
export default async () => {
  const value = readFileSync(join(folder, '${secret}'), 'utf8');
  console.log('it is', value, Buffer.from(value).toString('base64'));
  return value;
};
`;

const naming = (stack: string, secret: string) =>
  stack.replace(
    /( {4}lang: .*\n)/,
    `$1    secrets: [${secret}]\n    build_secrets: { api_token: .api-token }\n`,
  );

describe('secrets that are sealed in a repo', function () {
  this.timeout(240_000);
  let platform: PlatformProcess;
  const on = deploymentsOn(() => platform);
  before(async () => {
    await sodium.ready;
    platform = await sharedPlatform();
  });

  const publicKey = async (owner: string) => {
    const headers = { host: `system.localhost:${platform.port}` };
    const url = `http://127.0.0.1:${platform.port}/publickey?owner=${owner}`;
    const answer = await httpGet(url, headers);
    expect(answer.status, answer.text).to.equal(200);
    return parsePublicKey(answer.text);
  };
  const sealed = async (owner: string, values: Record<string, string>) =>
    sealWithSodium(
      await publicKey(owner),
      Object.fromEntries(Object.entries(values).map(([name, text]) => [name, Buffer.from(text)])),
    );

  const names = async () => {
    const credentials = `admin:${await secretOf(platform, 'basic-auth-password')}`;
    const authorization = `Basic ${Buffer.from(credentials).toString('base64')}`;
    const url = `http://127.0.0.1:${platform.port}/system/secrets`;
    return (await httpGet(url, { authorization })).text;
  };

  it('are read by its function, follow a change, and go with the repo', async () => {
    const repo = await on.repo('carol', 'sealed');
    const missing = await on.push(repo, {
      'stack.yml': naming(stackFile('vault'), 'db-password'),
      'vault/handler.ts': telling('carol-db-password'),
      'com.openfaas.secrets': await sealed('carol', {
        'db-pasword': 'first value',
        api_token: 'token value',
      }),
    });
    const check = (await on.completed('carol', 'sealed', missing)).get('stack-deploy');
    expect(check?.conclusion).to.equal('failure');
    expect(check?.output.summary)
      .to.contain('stack.yml line 7: "vault" names the secret "db-password", which does not exist')
      .and.to.contain('There are: db-pasword.');

    const first = await on.push(repo, {
      'com.openfaas.secrets': await sealed('carol', {
        'db-password': 'first value',
        api_token: 'token value',
      }),
    });
    const live = await on.completed('carol', 'sealed', first);
    expect(live.get('stack-deploy')?.conclusion, JSON.stringify([...live])).to.equal('success');
    expect((await on.call('carol', '/vault')).text).to.equal('first value');
    // What is for the build got there, and is no secret of the cluster.
    expect(live.get('vault')?.output.text).to.contain('The build secret "api_token" has no effect');
    expect(await names()).to.not.contain('token');
    // The function itself may print it; its log does not show it.
    const log = join(platform.data, 'provider/logs/carol-vault.log');
    await eventually(async () => expect(await readFile(log, 'utf8')).to.contain('it is ••• •••'));
    // What was sealed under the wrong name is gone.
    await eventually(async () => expect(await names()).to.not.contain('carol-db-pasword'));

    // Nothing but the sealed file changes: the function is not built, but rolled out again.
    const second = await on.push(repo, {
      'com.openfaas.secrets': await sealed('carol', {
        'db-password': 'second value',
        api_token: 'token value',
      }),
    });
    await on.completed('carol', 'sealed', second);
    expect((await on.call('carol', '/vault')).text).to.equal('second value');

    // Somebody else takes the file as it is: it cannot be opened for them.
    const thief = await on.repo('bob', 'copied');
    const copied = await on.push(thief, {
      'stack.yml': naming(stackFile('vault'), 'db-password'),
      'vault/handler.ts': telling('bob-db-password'),
      'com.openfaas.secrets': await sealed('carol', { 'db-password': 'not for bob' }),
    });
    const refused = (await on.completed('bob', 'copied', copied)).get('stack-deploy');
    expect(refused?.output.summary).to.match(/com\.openfaas\.secrets line 6: .*cannot be opened/);

    const api = `http://127.0.0.1:${platform.port}/git/api/v3/repos/carol/sealed`;
    expect((await httpGet(api, {}, { method: 'DELETE' })).status).to.equal(204);
    await eventually(async () => expect(await names()).to.not.contain('carol-db-password'), {
      timeoutMs: 30_000,
    });
    expect((await on.call('carol', '/vault')).status).to.equal(404);
    await Promise.all([repo.remove(), thief.remove()]);
    expect(await readFile(join(platform.data, 'platform.log'), 'utf8')).to.not.match(
      /(?:first|second|token) value/,
    );
    // Nobody's value stands in what the platform prints.
    expect(platform.output()).to.not.match(/(?:first|second|token) value/);
  });
});
