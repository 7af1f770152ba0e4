import { expect } from 'chai';
import {
  protections,
  routePolicies,
  whoMayCallFunction,
  whoMayUseRoute,
} from '#shared/auth/route-policy.ts';
import { builderRoutes, systemRoutes } from '#shared/router/system-routes.ts';

const routes: Record<string, string | undefined> = {
  '/': 'anyone',
  '/auth/': 'anyone',
  '/github-event': 'anyone',
  '/pipeline-log': 'signed-in',
  '/list-functions': 'signed-in',
  '/function-logs': 'signed-in',
  '/system-metrics': 'signed-in',
  '/github-push': undefined,
  '/git-tar': undefined,
  '/echo': undefined,
  '/of-router': undefined,
  '/q/': undefined,
  '/constructor': undefined,
  '/__proto__': undefined,
  '/GITHUB-EVENT': undefined,
  '/github-event/': undefined,
  '/github-event?x': undefined,
  '/<function>': undefined,
  '': undefined,
};

describe('the route policy', () => {
  for (const [path, who] of Object.entries(routes)) {
    it(`says ${who ?? 'nothing'} of ${JSON.stringify(path)} on the system host`, () => {
      expect(whoMayUseRoute('system', path)).to.equal(who);
    });
  }

  it('has one row for each host and path', () => {
    const rows = routePolicies.map(({ host, path }) => `${host} ${path}`);
    expect(new Set(rows).size).to.equal(rows.length);
    for (const { path } of systemRoutes) expect(rows).to.include(`system ${path}`);
    for (const { path } of builderRoutes) expect(rows).to.include(`builder ${path}`);
  });

  it('keeps the routes of one host to that host', () => {
    expect(whoMayUseRoute('system', '/build')).to.equal(undefined);
    expect(whoMayUseRoute('builder', '/list-functions')).to.equal(undefined);
    expect(whoMayUseRoute('owner', '/list-functions')).to.equal(undefined);
  });

  it('opens nothing of the inside to visitors', () => {
    const inside = routePolicies.filter(({ host }) => host === 'gateway');
    expect(inside.map(({ who }) => who)).to.deep.equal(['platform']);
  });
});

describe('the protection of a function', () => {
  it('is what its annotation says', () => {
    expect(whoMayCallFunction(undefined)).to.equal('anyone');
    expect([...protections.keys()].map(whoMayCallFunction)).to.deep.equal([
      ...['anyone', 'signed-in', 'members', 'owner'],
    ]);
    expect(whoMayCallFunction(' Members ')).to.equal('members');
  });

  it('is the strictest there is if nobody can tell', () => {
    for (const text of ['', 'none', 'publik', 'public,owner', 'true', '__proto__', 'anyone']) {
      expect(whoMayCallFunction(text), text).to.equal('owner');
    }
  });
});
