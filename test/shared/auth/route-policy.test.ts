import { expect } from 'chai';
import { policyOf, systemResource } from '#shared/auth/route-policy.ts';
import { systemRoutes } from '#shared/router/system-routes.ts';

const table: Record<string, string> = {
  'tenant/alice-hello': 'public',
  'tenant/git-tar': 'public',
  'system/of-auth': 'public',
  'system/github-event': 'public',
  'system/pipeline-log': 'protected',
  'system/list-functions': 'protected',
  'system/github-push': 'restricted',
  'system/git-tar': 'restricted',
  'system/echo': 'restricted',
  'system/of-router': 'restricted',
  'system/constructor': 'restricted',
  'system/__proto__': 'restricted',
  'system/GITHUB-EVENT': 'restricted',
  'system/github-event/': 'restricted',
  'system/github-event?x': 'restricted',
  'tenant/': 'restricted',
  'tenant/a/b': 'restricted',
  'tenant/../system': 'restricted',
  'github-event': 'restricted',
  '': 'restricted',
};

describe('policyOf', () => {
  for (const [resource, policy] of Object.entries(table)) {
    it(`says ${policy} of ${JSON.stringify(resource)}`, () => {
      expect(policyOf(resource)).to.equal(policy);
    });
  }

  it('has opened every route of the router, and nothing the router has no route for', () => {
    for (const route of systemRoutes) {
      expect(policyOf(systemResource(route.function)), route.path).to.not.equal('restricted');
    }
  });
});
