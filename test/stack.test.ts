import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { parseDuration } from '#shared/config.ts';
import { parseImageReference } from '#shared/registry/image-reference.ts';
import type { StackFunction } from '#shared/stack-file/stack-file.ts';
import {
  documentedRuntimeVariables,
  documentedSecrets,
  documentedVariables,
  variablesInCode,
} from './helpers/documented-settings.ts';
import {
  environmentFile,
  environmentOf,
  operatedEnvironment,
  platformStack,
  writePlatformSecrets,
} from './helpers/platform-environment.ts';
import {
  buildContext,
  layOutContext,
  type SettingsRead,
  startBundle,
} from './helpers/platform-function.ts';
import { readSource, root } from './helpers/source-files.ts';
import { tempDir } from './helpers/temp-dir.ts';

const stack = platformStack();
const names = stack.functions.map(({ key }) => key as string);
const each = (test: (fn: StackFunction) => void): void => stack.functions.forEach(test);

describe('stack.yml', () => {
  it('has no key that faas-cli does not know', () => {
    expect(stack.warnings).to.deep.equal([]);
    expect(readSource('stack.yml')).to.match(/^version: 1\.0$/m);
    expect(readSource('stack.yml')).to.match(/^ {2}name: openfaas$/m);
  });

  it('declares every function of functions/, and no other', async () => {
    expect([...names].sort()).to.deep.equal((await readdir(join(root, 'functions'))).sort());
    each(({ key, handler, lang }) => {
      expect(handler).to.equal(`functions/${key}`);
      expect(lang).to.equal('node-ts');
    });
  });

  it('names images by REPO and TAG, with defaults', () => {
    each(({ key, image }) => {
      expect(image).to.equal(`ghcr.io/openfaas-cloud/ofc-${key}:latest`);
      expect(() => parseImageReference(image)).to.not.throw();
    });
    for (const fn of platformStack({ REPO: 'acme', TAG: '1.2.3' }).functions) {
      expect(fn.image).to.equal(`ghcr.io/acme/ofc-${fn.key}:1.2.3`);
    }
    // faas-cli treats an empty variable as one that is not set.
    for (const fn of platformStack({ REPO: '', TAG: '' }).functions) {
      expect(fn.image).to.equal(`ghcr.io/openfaas-cloud/ofc-${fn.key}:latest`);
    }
  });

  it('marks every function as one of the platform, and none as a tenant’s', () => {
    each(({ labels }) => {
      expect(labels).to.include({ 'openfaas-cloud': '1', role: 'openfaas-system' });
      expect(Object.keys(labels).filter((name) => name.includes('cloud.git-'))).to.deep.equal([]);
      for (const value of Object.values(labels)) expect(value).to.match(/^[\w.-]{1,63}$/);
    });
  });

  it('gives every function limits, and a root folder that nobody writes to', () => {
    each(({ limits, requests, readOnlyRootFilesystem }) => {
      expect(limits.memory).to.match(/^\d+Mi$/);
      expect(requests).to.have.keys('memory', 'cpu');
      expect(readOnlyRootFilesystem).to.equal(true);
    });
  });

  it('has timeouts that fit: a call ends before its answer must', () => {
    each((fn) => {
      const { exec_timeout: exec = '30s', write_timeout: write = '30s' } = environmentOf(fn);
      expect(parseDuration(exec), fn.key).to.be.at.most(parseDuration(write));
      expect(parseDuration(write), fn.key).to.be.above(0);
    });
  });

  it('names files of variables that exist, and whose variables some function reads', () => {
    const known = new Set(variablesInCode().map(({ name }) => name));
    const files = new Set(stack.functions.flatMap(({ environmentFiles }) => environmentFiles));
    expect([...files].sort()).to.deep.equal(
      [
        'buildshiprun_limits.yml',
        'gateway_config.yml',
        'gitea.yml',
        'github.yml',
        'gitlab.yml',
        'slack.yml',
      ].sort(),
    );
    for (const file of files) {
      for (const name of Object.keys(environmentFile(file))) {
        expect([...known], `${file}: ${name}`).to.include(name);
      }
    }
  });

  it('puts the library and the template into every build', () => {
    expect([...stack.configuration.copy]).to.deep.equal([
      'shared',
      'package.json',
      'package-lock.json',
      'tsconfig.json',
      'template/node-ts',
    ]);
  });
});

interface Started {
  readonly log: readonly string[];
  readonly health: number;
  readonly ready: number;
  readonly read: SettingsRead;
}

describe('functions of stack.yml, built and started one by one', function () {
  this.timeout(180_000);
  const started = new Map<string, Promise<Started>>();
  let temp: Awaited<ReturnType<typeof tempDir>>;
  let secrets: string;

  const start = async (fn: StackFunction): Promise<Started> => {
    const folder = join(temp.path, fn.key);
    await layOutContext(stack, fn, folder);
    const log = await buildContext(fn, folder);
    // The bundle runs alone, as in the image.
    await rm(join(folder, 'function'), { recursive: true });
    await rm(join(folder, 'node_modules'));
    const running = await startBundle(folder, operatedEnvironment(fn), secrets);
    try {
      const [health, ready] = [await running.status('/_/health'), await running.status('/_/ready')];
      return { log, health, ready, read: await running.settings() };
    } finally {
      await running.stop();
    }
  };

  before(async () => {
    temp = await tempDir();
    secrets = join(temp.path, 'secrets');
    await mkdir(secrets);
    await writePlatformSecrets(secrets);
    // Two at a time; each test waits for its own.
    const lanes: Promise<unknown>[] = [Promise.resolve(), Promise.resolve()];
    for (const [index, fn] of stack.functions.entries()) {
      const result = (lanes[index % 2] ?? Promise.resolve()).then(() => start(fn));
      lanes[index % 2] = result.catch(() => undefined);
      started.set(fn.key, result);
    }
  });
  after(async () => {
    await Promise.allSettled(started.values());
    await temp.remove();
  });

  const variables = documentedVariables(names);
  const runtime = new Set(documentedRuntimeVariables().map(({ name }) => name));
  const documented = documentedSecrets(names);

  for (const fn of stack.functions) {
    it(`${fn.key} builds with its types checked, is healthy, and reads what is declared`, async () => {
      const { log, health, ready, read } = await (started.get(fn.key) ?? start(fn));
      expect(log).to.include('types: checked');
      expect({ health, ready }).to.deep.equal({ health: 200, ready: 200 });

      // It reads what it examines when it is asked, so that nothing wrong can stop it.
      if (fn.key === 'doctor') return;

      // Those of the runtime are read in every function.
      const own = variables.filter(({ name }) => !runtime.has(name));
      const known = new Set(own.map(({ name }) => name));
      const readNames = [...read.variables].filter((name) => known.has(name)).sort();
      const said = own.filter(({ readers }) => readers.includes(fn.key));
      expect(readNames, 'variables in docs/configuration.md').to.deep.equal(
        said.map(({ name }) => name).sort(),
      );

      const idle = fn.environmentFiles.filter(
        (file) => !Object.keys(environmentFile(file)).some((name) => read.variables.has(name)),
      );
      expect(idle, 'files of which it reads nothing').to.deep.equal([]);

      // The list of customers is read when the first visitor comes.
      const file = read.variables.has('customers_path') ? ['customers'] : [];
      const needed = [...read.secrets, ...file].sort();
      const optional = documented
        .filter((secret) => secret.optional(fn.key))
        .map(({ name }) => name);
      expect(needed, 'secrets in docs/configuration.md').to.deep.equal(
        documented
          .filter(({ readers }) => readers.includes(fn.key))
          .map(({ name }) => name)
          .sort(),
      );
      expect([...fn.secrets].sort(), 'secrets in stack.yml').to.deep.equal(
        needed.filter((name) => !optional.includes(name)),
      );
    });
  }
});
