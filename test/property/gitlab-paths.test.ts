import { expect } from 'chai';
import fc from 'fast-check';
import { CloudError } from '#shared/errors.ts';
import { hostLabel, type Owner, parseFunctionKey, serviceName } from '#shared/names.ts';
import { parseProjectPath } from '#shared/scm/gitlab/project-path.ts';

/** Few letters, so that pairs come close; `s`, `d`, `u`, `h` and `e` stand behind escapes. */
const segment = fc
  .tuple(
    fc.constantFrom('a', 'B', 's', '_'),
    fc.string({ unit: fc.constantFrom(...'a-._sdueH-'), maxLength: 5 }),
  )
  .map((parts) => parts.join(''))
  .filter((text) => !/\.$|\.(?:git|atom)$/.test(text));
/** Paths of projects as GitLab allows them, with up to three levels of groups above. */
const path = fc.array(segment, { minLength: 2, maxLength: 4 }).map((parts) => parts.join('/'));
const key = parseFunctionKey('fn');

/** What one rule makes of an owner: its sub-domain, and the name of its function `fn`. */
type Rule = (owner: Owner) => string[];
const ours: Rule = (owner) => [hostLabel(owner), serviceName(owner, key)];
/** What one might think of first. */
const dashes: Rule = (owner) => [owner.replace(/[/._]/g, '-'), `${owner.replace(/\W/g, '-')}-fn`];

/** Fails if two namespaces that GitLab tells apart (whatever their case) have a name in common. */
function collisions(rule: Rule, counted: { named: number }): fc.RunDetails<[string]> {
  const seen = new Map<string, string>();
  const property = fc.property(path, (project) => {
    const namespace = project.slice(0, project.lastIndexOf('/')).toLowerCase();
    let names: string[];
    try {
      names = rule(parseProjectPath(project).owner);
    } catch (error) {
      if (error instanceof CloudError) return;
      throw error;
    }
    counted.named += 1;
    for (const [kind, name] of names.entries()) {
      expect(seen.get(`${kind} ${name}`) ?? namespace).to.equal(namespace);
      seen.set(`${kind} ${name}`, namespace);
    }
  });
  return fc.check(property, { numRuns: 5000, endOnFailure: true });
}

describe('paths of GitLab, whatever they are', () => {
  it('never give two groups one sub-domain or one function', () => {
    const counted = { named: 0 };
    const { failed, counterexample } = collisions(ours, counted);
    expect(failed, JSON.stringify(counterexample)).to.equal(false);
    expect(counted.named).to.be.above(2000);
  });

  it('would, if every odd character became a hyphen: the property finds it', () => {
    expect(collisions(dashes, { named: 0 }).failed).to.equal(true);
  });
});
