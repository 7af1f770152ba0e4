import { expect } from 'chai';
import { CloudError } from '#shared/errors.ts';
import { hostLabel, parseFunctionKey, parseOwner, secretName, serviceName } from '#shared/names.ts';
import type { Deployment } from '#shared/pipeline/deployment.ts';
import { belongsTo, deploymentLabels } from '#shared/pipeline/labels.ts';
import { createRecords, deploymentPrefix } from '#shared/pipeline/records.ts';
import { createPublicUrls } from '#shared/public-urls.ts';
import { createDeploy } from '../../functions/buildshiprun/deploy.ts';
import { collect } from '../../functions/garbage-collect/collect.ts';
import { createMemoryGateway } from '../helpers/memory-gateway.ts';
import { createMemoryObjectStore } from '../helpers/memory-object-store.ts';
import { testFunction, testLimits, testPush } from '../helpers/pipeline-fixtures.ts';
import { platformStack } from '../helpers/platform-environment.ts';

const ofOwner = (owner: string, ownerId: number, changes = {}): Deployment => {
  const { defaultBranch: _, ...deployment } = testPush({ owner, ownerId, ...changes });
  return deployment;
};

/** Pairs of owners of which one could want to be taken for the other. */
const pairs = [
  ['alice', 'alice-b'],
  ['alice', 'alic'],
  ['alice-b', 'alice--b'],
  ['group/sub', 'group-sub'],
  ['group.sub', 'group/sub'],
  ['a_b', 'a-b'],
  ['alice-', 'alice'],
] as const;

describe('one tenant against another', () => {
  for (const [one, other] of pairs) {
    it(`${other} can have no name of ${one}`, () => {
      const [a, b] = [parseOwner(one), parseOwner(other)];
      expect(hostLabel(a)).to.not.equal(hostLabel(b));
      const labels = deploymentLabels(ofOwner(one, 1), 1);
      expect(belongsTo({ labels }, a)).to.equal(true);
      expect(belongsTo({ labels }, b)).to.equal(false);
      expect(
        deploymentPrefix(ofOwner(one, 1)).startsWith(deploymentPrefix(ofOwner(other, 2))),
      ).to.equal(false);
      // Every way to cut the rest of a name into another owner's function.
      const name = serviceName(a, parseFunctionKey('b-c'));
      for (const key of ['c', 'b-c', 'b-b-c', 'sub-b-c', 'b', 'hb-c']) {
        expect(serviceName(b, parseFunctionKey(key)), key).to.not.equal(name);
        expect(secretName(b, key)).to.not.equal(secretName(a, 'b-c'));
      }
    });
  }

  it('cannot deploy over, or remove, a function of any other', async () => {
    const victim = ofOwner('alice', 1);
    const running = { name: 'alice-fn', image: 'victim', labels: deploymentLabels(victim, 1) };
    const attackers = [
      ofOwner('mallory', 2),
      ofOwner('alice', 2), // took the login over
      ofOwner('alice-', 3),
      ofOwner('ali', 4),
    ];
    for (const attacker of attackers) {
      const gateway = createMemoryGateway(running);
      const records = createRecords(createMemoryObjectStore());
      const deploy = createDeploy({
        gateway,
        records,
        urls: createPublicUrls({ publicUrl: 'http://gw', prettyUrl: '' }),
        limits: testLimits,
        timeoutMs: 10,
      });
      // Even a plan that names the victim's service does not help.
      const fn = testFunction('fn');
      const nothing = {
        plan: undefined,
        builds: new Map(),
        deploys: new Map(),
        closed: undefined,
        claimed: new Set<string>(),
      };
      let thrown: unknown;
      await deploy({ deployment: attacker, ...nothing }, fn, 'evil').catch((error: unknown) => {
        thrown = error;
      });
      expect(thrown).to.be.instanceOf(CloudError).with.property('code', 'OFC_NAME_TAKEN');
      if (attacker.owner !== victim.owner) {
        await collect(gateway, records, { owner: attacker.owner, repo: '*', functions: [] });
      }
      expect(gateway.functions.get('alice-fn')?.image).to.equal('victim');
      expect(gateway.calls).to.deep.equal([]);
    }
  });

  it('reads no record of another: each key holds its owner, whatever that is called', () => {
    const prefixes = pairs.flat().map((owner) => deploymentPrefix(ofOwner(owner, 1)));
    const unique = new Set(prefixes);
    expect(unique.size).to.equal(new Set(pairs.flat()).size);
    for (const prefix of unique) {
      expect(prefix.split('/')).to.have.lengthOf(5);
      expect(prefix).to.not.include('..');
    }
  });
});

describe('a tenant against the platform', () => {
  const stack = platformStack();

  /** Every way in which an owner and a name could make up `full`. */
  const splits = (full: string): [string, string][] =>
    [...full.matchAll(/-/g)].map(({ index }) => [full.slice(0, index), full.slice(index + 1)]);

  it('can take no function’s name', () => {
    const names = stack.functions.map(({ key }) => key);
    expect(names).to.include('git-tar');
    for (const full of names) {
      for (const [owner, key] of splits(full)) {
        expect(() => serviceName(parseOwner(owner), parseFunctionKey(key)), full).to.satisfy(
          (make: () => string) => {
            try {
              return make() !== full;
            } catch (error) {
              return error instanceof CloudError;
            }
          },
        );
      }
    }
  });

  it('can mount no secret', () => {
    const names = new Set(stack.functions.flatMap(({ secrets }) => secrets));
    expect([...names]).to.include('payload-secret');
    for (const full of names) {
      for (const [owner, name] of splits(full)) {
        let made: string | undefined;
        try {
          made = secretName(parseOwner(owner), name);
        } catch (error) {
          expect(error).to.be.instanceOf(CloudError);
        }
        expect(made, full).to.not.equal(full);
      }
    }
  });

  it('has no system function removed, whatever a message says', async () => {
    const system = [...stack.functions].map(({ key, labels }) => ({
      name: key,
      labels: { ...labels },
    }));
    const gateway = createMemoryGateway(...system);
    const records = createRecords(createMemoryObjectStore());
    for (const owner of ['git', 'of', 'github', 'pipeline', 'openfaas', '1']) {
      expect(
        await collect(gateway, records, { owner: parseOwner(owner), repo: '*', functions: [] }),
      ).to.deep.equal([]);
    }
    expect(gateway.functions.size).to.equal(stack.functions.length);
  });
});
