import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import sodium from 'libsodium-wrappers';
import { parseOwner, parseRepoName } from '#shared/names.ts';
import { openSecrets, ownerKeys, parsePrivateKey } from '#shared/sealed-box.ts';
import {
  importSecrets,
  openBuildSecrets,
} from '../../../functions/import-secrets/import-secrets.ts';
import { pruneSecrets } from '../../../functions/import-secrets/prune.ts';
import { expectCode } from '../../helpers/expect-code.ts';
import { sealWithSodium } from '../../helpers/seal-with-sodium.ts';
import { createStage, type Stage } from './stage.ts';

describe('import-secrets, sealed boxes', () => {
  let stage: Stage;
  before(() => sodium.ready);
  beforeEach(() => {
    stage = createStage();
  });

  it('become secrets of the owner, and are told by the owner’s names', async () => {
    stage.gateway.secrets.set('alice-by-operator', Buffer.from('x'));
    stage.gateway.secrets.set('alice--b-other', Buffer.from('x'));
    stage.gateway.secrets.set('payload-secret', Buffer.from('x'));
    const { imported } = await stage.run([stage.box({ db: 'value', 'api-key': 'key' })]);
    expect(stage.values()).to.include({ 'alice-db': 'value', 'alice-api-key': 'key' });
    expect(Object.keys(imported.secrets)).to.deep.equal(['api-key', 'by-operator', 'db']);
    expect(imported.secrets['by-operator']).to.equal(null);
    expect(imported.sealed).to.have.members(['db', 'api-key']);
    expect(JSON.stringify(imported)).to.not.contain('value');
  });

  it('that did not change are not written again', async () => {
    const file = stage.box({ db: 'value' });
    const first = await stage.run([file]);
    const second = await stage.run([file]);
    expect(stage.gateway.calls).to.deep.equal(['putSecret alice-db']);
    expect(second.imported).to.deep.equal(first.imported);
    stage.gateway.secrets.delete('alice-db');
    await stage.run([file]);
    expect(stage.gateway.calls).to.have.length(2);
  });

  it('that changed are written, with another version', async () => {
    const first = await stage.run([stage.box({ db: 'old' })]);
    const second = await stage.run([stage.box({ db: 'new' })]);
    expect(stage.values()).to.deep.equal({ 'alice-db': 'new' });
    expect(second.imported.secrets['db']).to.not.equal(first.imported.secrets['db']);
  });

  it('are put in place again after an interruption', async () => {
    const { places } = stage.importing;
    const broken = {
      ...stage.importing,
      places: { ...places, put: () => Promise.reject(new Error('power cut')) },
    };
    const deployment = await stage.push([stage.box({ db: 'value' })]);
    await importSecrets(broken, deployment, []).catch(() => undefined);
    expect(stage.values()).to.deep.equal({});
    await importSecrets(stage.importing, deployment, []);
    expect(stage.values()).to.deep.equal({ 'alice-db': 'value' });
  });

  it('of an older push change nothing, whoever comes last', async () => {
    const older = await stage.push([stage.box({ db: 'old' })]);
    await stage.run([stage.box({ db: 'new' })], { before: 'a'.repeat(40), sha: 'b'.repeat(40) });
    const imported = await importSecrets(stage.importing, older, []);
    expect(stage.values()).to.deep.equal({ 'alice-db': 'new' });
    expect(imported.secrets).to.have.property('db');
  });

  it('for builds only are no secrets of the cluster, and may have any name', async () => {
    const { imported, deployment } = await stage.run(
      [stage.box({ npm_token: 'for the build', db: 'v' })],
      {},
      ['npm_token'],
    );
    expect(stage.values()).to.deep.equal({ 'alice-db': 'v' });
    expect(imported.sealed).to.have.members(['npm_token', 'db']);

    const one = parsePrivateKey(randomBytes(32).toString('base64'));
    const recipient = Buffer.from(one.publicKey).toString('base64');
    const text = await openBuildSecrets(stage.importing, deployment, ['npm_token'], recipient);
    expect(text).to.not.contain('for the build');
    const opened = openSecrets(text, [one]);
    expect([...opened.keys()]).to.deep.equal(['npm_token']);
    expect(String(opened.get('npm_token')?.value)).to.equal('for the build');
    await expectCode(
      openBuildSecrets(stage.importing, deployment, ['pip_token'], recipient),
      'OFC_SECRETS',
    );
  });

  it('with one mistake change nothing at all', async () => {
    const error = await expectCode(
      stage.run([stage.box({ good: 'v', api_key: 'v' })]),
      'OFC_NAME_INVALID',
    );
    expect(error.message).to.match(/^com\.openfaas\.secrets line 7: .*"api_key"/);
    expect(error.text).to.contain('build_secrets');
    expect(stage.gateway.calls).to.deep.equal([]);
  });

  it('are accepted under the key before, in a rotation', async () => {
    const file = stage.box({ db: 'value' });
    const next = parsePrivateKey(randomBytes(32).toString('base64'));
    const keys = [next, stage.keys];
    const importing = { ...stage.importing, opening: { ...stage.importing.opening, keys } };
    const deployment = await stage.push([file]);
    await importSecrets(importing, deployment, []);
    expect(stage.values()).to.deep.equal({ 'alice-db': 'value' });
    const publicKey = ownerKeys(next, parseOwner('alice')).publicKey;
    const again = await stage.push([
      { name: file.name, text: sealWithSodium(publicKey, { db: Buffer.from('sealed anew') }) },
    ]);
    await importSecrets(importing, again, []);
    expect(stage.values()).to.deep.equal({ 'alice-db': 'sealed anew' });
    const without = { ...importing, opening: { ...importing.opening, keys: [next] } };
    await expectCode(importSecrets(without, deployment, []), 'OFC_SECRETS');
  });

  describe('attacks', () => {
    it('a copy of another’s file cannot be opened', async () => {
      const file = stage.box({ db: 'of alice' }, 'alice');
      for (const owner of ['mallory', 'alice-b', 'ali']) {
        const error = await expectCode(stage.run([file], { owner, ownerId: 66 }), 'OFC_SECRETS');
        expect(error.message).to.contain('line 6');
      }
      expect(stage.values()).to.deep.equal({});
    });

    it('the owner "payload" cannot name the secret "secret", nor others the platform’s', async () => {
      const wanted = {
        payload: 'secret',
        basic: 'auth-password',
        sealing: 'private-key',
        private: 'key',
        s3: 'secret-key',
      };
      for (const [owner, name] of Object.entries(wanted)) {
        const full = `${owner}-${name}`;
        stage.gateway.secrets.set(full, Buffer.from('the platform’s'));
        const error = await expectCode(
          stage.run([stage.box({ [name]: 'mine' }, owner)], { owner }),
          'OFC_NAME_TAKEN',
        );
        expect(error.message).to.contain('line 6');
        expect(stage.values()[full]).to.equal('the platform’s');
      }
      // Nor are they told that it is there.
      const { imported } = await stage.run([stage.box({ other: 'v' }, 'payload')], {
        owner: 'payload',
      });
      expect(Object.keys(imported.secrets)).to.deep.equal(['other']);
    });

    it('"alice" cannot reach what "alice-b" has, and the other way round', async () => {
      await stage.run([stage.box({ c: 'of alice-b' }, 'alice-b')], {
        owner: 'alice-b',
        ownerId: 12,
        repoId: 23,
      });
      await stage.run([stage.box({ 'b-c': 'of alice' })]);
      expect(stage.values()).to.deep.equal({ 'alice--b-c': 'of alice-b', 'alice-b-c': 'of alice' });
      for (const name of ['-b-c', '--b-c', 'b--c-', '../c', 'B']) {
        await expectCode(stage.run([stage.box({ [`"${name}"`]: 'v' })]), 'OFC_NAME_INVALID');
      }
    });

    it('what the operator made is not overwritten', async () => {
      stage.gateway.secrets.set('alice-db', Buffer.from('the operator’s'));
      const error = await expectCode(stage.run([stage.box({ db: 'mine' })]), 'OFC_SECRETS');
      expect(error.message).to.contain('operator');
      expect(stage.values()).to.deep.equal({ 'alice-db': 'the operator’s' });
    });

    it('what another repo of the owner seals is not overwritten', async () => {
      await stage.run([stage.box({ db: 'first' })]);
      const other = { repo: 'second', repoId: 23 };
      const error = await expectCode(
        stage.run([stage.box({ db: 'second' })], other),
        'OFC_SECRETS',
      );
      expect(error.message).to.contain('"hello"');
      expect(stage.values()).to.deep.equal({ 'alice-db': 'first' });
    });

    it('a YAML bomb, a giant and a file without end are refused in no time', async () => {
      const levels = Array.from({ length: 30 }, (_, i) => `l${i}: &l${i} [*l${i - 1}, *l${i - 1}]`);
      const bombs = [
        `l-1: &l-1 x\n${levels.join('\n')}\nversion: v1\nsecrets: *l29\n`,
        `secrets:\n${'  '.repeat(1)}<<: &a {<<: *a}\n`,
        '{'.repeat(100_000),
        'x: y\n'.repeat(100_000),
        `${'---\n'.repeat(90_000)}`,
      ];
      for (const text of bombs) {
        const started = process.cpuUsage().user;
        const error = await expectCode(stage.run([{ name: 'secrets.yml', text }]), 'OFC_SECRETS');
        expect(error.message).to.match(/^secrets\.yml /);
        expect(process.cpuUsage().user - started).to.be.below(5e6);
      }
    });
  });

  describe('removal', () => {
    it('takes what is not sealed any more, after the deployment of its branch', async () => {
      await stage.run([stage.box({ a: '1', b: '2' })]);
      const { deployment } = await stage.run([stage.box({ b: '2' })]);
      expect(Object.keys(stage.values())).to.deep.equal(['alice-a', 'alice-b']);
      expect(await stage.prune(deployment)).to.deep.equal(['alice-a']);
      expect(Object.keys(stage.values())).to.deep.equal(['alice-b']);
      // And the name is free again.
      await stage.run([stage.box({ a: '3' })], { repo: 'second', repoId: 23 });
      expect(stage.values()).to.include({ 'alice-a': '3' });
    });

    it('takes all of them when the repo seals nothing', async () => {
      await stage.run([stage.box({ a: '1' })]);
      const { deployment } = await stage.run([]);
      expect(await stage.prune(deployment)).to.deep.equal(['alice-a']);
    });

    it('leaves what a newer push has sealed since', async () => {
      const old = await stage.run([], { sha: 'c'.repeat(40) });
      await stage.run([stage.box({ a: '1' })], { before: 'c'.repeat(40), sha: 'b'.repeat(40) });
      expect(await stage.prune(old.deployment)).to.deep.equal([]);
    });

    it('leaves what other branches, repos and owners have, and what the operator made', async () => {
      stage.gateway.secrets.set('alice-by-operator', Buffer.from('x'));
      await stage.run([stage.box({ a: '1' })], { branch: 'other' });
      await stage.run([stage.box({ b: '1' })], { repo: 'second', repoId: 23 });
      await stage.run([stage.box({ c: '1' }, 'alice-b')], {
        owner: 'alice-b',
        ownerId: 5,
        repoId: 24,
      });
      const { deployment } = await stage.run([]);
      expect(await stage.prune(deployment)).to.deep.equal([]);
      expect(stage.values()).to.have.all.keys(
        'alice-a',
        'alice-b',
        'alice--b-c',
        'alice-by-operator',
      );
    });

    it('knows a repo that was renamed by its id, and not another one that has its name now', async () => {
      await stage.run([stage.box({ a: '1' })]);
      const { owner, repo } = await stage.push([]);
      const gone = (from: { repoId: number }, name: string) =>
        pruneSecrets(stage.importing, {
          ...{ owner, functions: [], repo: parseRepoName(name) },
          from: { scm: 'github', ...from },
        });
      expect(await gone({ repoId: 99 }, repo)).to.deep.equal([]);
      expect(await gone({ repoId: 22 }, 'renamed')).to.deep.equal(['alice-a']);
    });

    it('of a repo, then of an owner, takes theirs', async () => {
      stage.gateway.secrets.set('alice-by-operator', Buffer.from('x'));
      await stage.run([stage.box({ a: '1' })], { branch: 'other' });
      await stage.run([stage.box({ b: '1' })], { repo: 'second', repoId: 23 });
      await stage.run([stage.box({ c: '1' }, 'alice-b')], {
        owner: 'alice-b',
        ownerId: 5,
        repoId: 24,
      });
      const gone = { owner: parseOwner('alice'), functions: [] };
      const repo = (await stage.push([])).repo;
      expect(await pruneSecrets(stage.importing, { ...gone, repo })).to.deep.equal(['alice-a']);
      expect(await pruneSecrets(stage.importing, { ...gone, repo: '*' })).to.deep.equal([
        'alice-b',
      ]);
      expect(stage.values()).to.have.all.keys('alice--b-c', 'alice-by-operator');
    });
  });

  it('keys of owners are not the platform’s', () => {
    expect(ownerKeys(stage.keys, parseOwner('alice')).privateKey).to.not.deep.equal(
      stage.keys.privateKey,
    );
  });
});
