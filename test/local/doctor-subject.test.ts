import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { findSubject } from '../../local/doctor-subject.ts';
import { expectCode } from '../helpers/expect-code.ts';
import { listen } from '../helpers/listen.ts';
import { tempDir } from '../helpers/temp-dir.ts';

describe('what the doctor examines', () => {
  let temp: Awaited<ReturnType<typeof tempDir>>;
  beforeEach(async () => {
    temp = await tempDir();
  });
  afterEach(() => temp.remove());

  const unasked = { secrets: undefined, deployed: undefined, set: {} };
  const nobody = 'http://127.0.0.1:1';
  const write = async (path: string, text: string): Promise<void> => {
    const file = join(temp.path, path);
    await mkdir(join(file, '..'), { recursive: true });
    await writeFile(file, text);
  };
  const writeStack = async (): Promise<void> => {
    await write(
      'stack.yml',
      `version: 1.0
provider:
  name: openfaas
functions:
  one:
    lang: node-ts
    handler: ./one
    image: one:latest
    environment_file: [all.yml]
`,
    );
    await write('all.yml', 'environment:\n  s3_url: store:9000\n  gateway_url: http://gateway\n');
  };

  it('is nothing in a fresh clone, where the files beside stack.yml are examples', async () => {
    await writeStack();
    expect(await findSubject(temp.path, unasked, nobody)).to.equal(undefined);
  });

  it('is what the files say, once there are secrets; what is set counts more', async () => {
    await writeStack();
    await write('.secrets/payload-secret', 'x');
    const set = { gateway_url: 'http://other' };
    const subject = await findSubject(temp.path, { ...unasked, set }, nobody);
    expect(subject).to.deep.equal({
      env: {
        s3_url: 'store:9000',
        gateway_url: 'http://other',
        secret_mount_path: join(temp.path, '.secrets'),
      },
    });
  });

  it('is the platform of npm start, where nobody made secrets', async () => {
    await write('.openfaas-cloud/secrets/basic-auth-user', 'admin');
    await write('.openfaas-cloud/secrets/basic-auth-password', 'the password');
    const asked: (string | undefined)[] = [];
    const fn = (name: string, labels: object, envVars: object) => ({
      ...{ name, image: 'x@sha256:1', labels, envVars, replicas: 1, availableReplicas: 1 },
    });
    const gateway = await listen((request, response) => {
      asked.push(request.headers.authorization);
      const own = fn('of-router', { role: 'openfaas-system' }, { s3_url: 'own:1' });
      const users = fn('alice-fn', {}, { s3_url: 'evil:1', other: 'x' });
      response.setHeader('content-type', 'application/json').end(JSON.stringify([own, users]));
    });
    try {
      const subject = await findSubject(temp.path, unasked, gateway.url);
      expect(subject?.env).to.deep.equal({
        s3_url: 'own:1',
        secret_mount_path: join(temp.path, '.openfaas-cloud/secrets'),
      });
      expect(subject?.note).to.contain('npm start').and.contain(gateway.url);
      expect(asked).to.deep.equal([`Basic ${btoa('admin:the password')}`]);
    } finally {
      await gateway.close();
    }
  });

  it('says that the platform of npm start does not answer', async () => {
    await write('.openfaas-cloud/secrets/basic-auth-user', 'admin');
    const error = await expectCode(findSubject(temp.path, unasked, nobody), 'OFC_CONFIG');
    expect(error.text).to.contain('does not answer').and.contain('--deployed');
  });
});
