import { expect } from 'chai';
import { loadSealedFiles } from '#shared/sealed-secrets/sealed-files.ts';
import type { Imported, SecretsClient } from '#shared/sealed-secrets/secrets-messages.ts';
import { createMemoryTree } from '#shared/shrinkwrap/memory-tree.ts';
import { parseStack } from '#shared/stack-file/parse-stack.ts';
import {
  createImportSecrets,
  secretsVersion,
  stackSecrets,
} from '../../../functions/git-tar/stack-secrets.ts';
import { expectCode } from '../../helpers/expect-code.ts';
import { createMemoryObjectStore } from '../../helpers/memory-object-store.ts';
import { testPush } from '../../helpers/pipeline-fixtures.ts';

const stackOf = (...lines: readonly string[]) =>
  parseStack(`provider: { name: openfaas }
functions:
  one:
    lang: node-ts
    handler: ./one
    image: one:latest
${lines.map((line) => `    ${line}\n`).join('')}`);

const sealedFile = { 'com.openfaas.secrets': 'version: v1\n' };

describe('stackSecrets', () => {
  let asked: (readonly string[])[];
  beforeEach(() => {
    asked = [];
  });
  const run = (
    stack: ReturnType<typeof stackOf>,
    imported: Imported | undefined,
    files: Record<string, string> = {},
  ) =>
    stackSecrets(stack, 'stack.yml', createMemoryTree(files), async (_, buildOnly) => {
      asked.push(buildOnly);
      return imported;
    });
  const imported = { secrets: { a: 'v1', b: null }, sealed: ['a', 'npmrc'], warnings: [] };

  it('asks nobody for a stack that has to do with no secret', async () => {
    expect(await run(stackOf(), undefined)).to.equal(undefined);
    await run(stackOf('skip_build: true', 'secrets: [a]'), undefined);
    expect(asked).to.deep.equal([]);
  });

  it('imports what is sealed even if no function of this repo names it', async () => {
    expect(await run(stackOf(), imported, sealedFile)).to.equal(imported);
    expect(asked).to.deep.equal([[]]);
  });

  it('tells what is for builds only', async () => {
    await run(stackOf('secrets: [a]', 'build_secrets: { npmrc: .npmrc, a: x }'), imported);
    expect(asked).to.deep.equal([['npmrc']]);
  });

  it('refuses a secret that does not exist, with line and the names that do', async () => {
    const error = await expectCode(run(stackOf('secrets: [a, c]'), imported), 'OFC_SECRETS');
    expect(error.message).to.equal(
      'stack.yml line 7: "one" names the secret "c", which does not exist. There are: a, b.',
    );
    const none = { secrets: {}, sealed: [], warnings: [] };
    const empty = await expectCode(run(stackOf('secrets: [c]'), none), 'OFC_SECRETS');
    expect(empty.message).to.contain('There are none yet.');
  });

  it('refuses a build secret that is not sealed, also where nothing can be sealed', async () => {
    for (const known of [imported, undefined]) {
      const stack = stackOf('build_secrets: { pip: .pip }');
      const error = await expectCode(run(stack, known), 'OFC_SECRETS');
      expect(error.message).to.contain('build secret "pip"');
    }
  });

  it('leaves the question to the gateway where import-secrets is not deployed', async () => {
    expect(await run(stackOf('secrets: [whatever]'), undefined)).to.equal(undefined);
  });

  it('gives a function another version when one of its own sealed secrets changes', () => {
    const [fn] = stackOf('secrets: [a, b]').functions;
    const [other] = stackOf('secrets: [b]').functions;
    if (fn === undefined || other === undefined) throw new Error('no function');
    const before = secretsVersion(fn, imported);
    expect(before).to.be.a('string');
    expect(secretsVersion(fn, { ...imported, secrets: { a: 'v2', b: null } })).to.not.equal(before);
    expect(secretsVersion(fn, { ...imported, secrets: { a: 'v1', b: null, c: 'v1' } })).to.equal(
      before,
    );
    expect(secretsVersion(other, imported)).to.equal(undefined);
  });
});

describe('createImportSecrets', () => {
  const files = { ...sealedFile, 'secrets.yml': 'x: y\n', 'sub/secrets.yml': 'z: z\n' };
  const client = (imported: Imported | undefined): SecretsClient => ({
    import: async () => imported,
    open: () => Promise.reject(new Error('not here')),
  });

  it('keeps the sealed files of the root folder with the deployment', async () => {
    const store = createMemoryObjectStore();
    const push = testPush();
    const imported = { secrets: {}, sealed: [], warnings: [] };
    const importSecrets = createImportSecrets(store, client(imported), push);
    expect(await importSecrets(createMemoryTree(files), [])).to.equal(imported);
    expect((await loadSealedFiles(store, push)).map(({ name }) => name)).to.have.members([
      'com.openfaas.secrets',
      'secrets.yml',
    ]);
  });

  it('fails where there is a sealed file, and nobody to open it', async () => {
    const importSecrets = createImportSecrets(
      createMemoryObjectStore(),
      client(undefined),
      testPush(),
    );
    const error = await expectCode(importSecrets(createMemoryTree(files), []), 'OFC_CONFIG');
    expect(error.text).to.contain('import-secrets');
    expect(await importSecrets(createMemoryTree({}), [])).to.equal(undefined);
  });
});
