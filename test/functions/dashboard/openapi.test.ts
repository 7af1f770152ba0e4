import { expect } from 'chai';
import { apiRoutes } from '../../../functions/dashboard/api/routes.ts';
import type { ApiDescription } from '../../helpers/api-description.ts';
import { comparedIn, dashboardStage } from './stage.ts';

describe("the API's description", () => {
  const { get, api, withAnswers } = dashboardStage('openapi');
  let description: ApiDescription;
  before(async () => {
    description = await api<ApiDescription>('openapi.json');
  });

  it('has each of its routes, and no other', () => {
    expect(description.openapi).to.match(/^3\.1\./);
    expect(description.servers).to.deep.equal([{ url: 'http://system.localhost:8080' }]);
    const described = Object.entries(description.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(described.sort()).to.deep.equal(
      apiRoutes.map(({ method, name }) => `${method} /dashboard/api/${name}`).sort(),
    );
  });

  it('is right: each question without its required parameters is refused', async () => {
    for (const [path, { get: operation }] of Object.entries(description.paths)) {
      if (operation?.parameters?.some(({ required }) => required) !== true) continue;
      expect((await get(path)).status, path).to.be.oneOf([400, 422]);
    }
  });

  it('is compared with every JSON answer by the tests of some file', () => {
    expect(withAnswers()).to.have.members(Object.values(comparedIn).flat());
  });
});
