import { requireWrite } from './api-auth.ts';
import type { ApiCall, Route } from './api-router.ts';
import {
  type Deployment,
  deploymentJson,
  deploymentStatusJson,
  parseNewDeployment,
  parseNewDeploymentStatus,
} from './deployments.ts';
import { notFound } from './http-error.ts';
import { paginate } from './paginate.ts';
import { type FoundRepo, requireCommit, requireRepo, type Services } from './services.ts';

/**
 * Deployments and their statuses.
 *
 * @see https://docs.github.com/en/rest/deployments
 */
export function deploymentRoutes(services: Services): Route[] {
  const { store, records } = services;
  const find = async (call: ApiCall): Promise<{ found: FoundRepo; deployment: Deployment }> => {
    const found = requireRepo(services, call);
    const deployment = await records(found.repo).deployments.get(Number(call.param('id')));
    if (deployment === undefined) throw notFound();
    return { found, deployment };
  };

  return [
    [
      'POST',
      '/repos/:owner/:repo/deployments',
      async (call) => {
        const found = requireRepo(services, call);
        requireWrite(call.caller, found.repo, store, 'deployments');
        const fields = parseNewDeployment(call.body);
        const sha = await requireCommit(services, found, fields.ref);
        const createdAt = new Date().toISOString();
        const deployment = await records(found.repo).deployments.create('all', (id) => ({
          id,
          sha,
          createdAt,
          ...fields,
        }));
        return {
          status: 201,
          body: deploymentJson(deployment, found.fullName, services.addresses()),
        };
      },
    ],
    [
      'GET',
      '/repos/:owner/:repo/deployments',
      async (call) => {
        const found = requireRepo(services, call);
        const all = await records(found.repo).deployments.list('all');
        const wants = (name: string, value: string): boolean =>
          (call.query.get(name) ?? value) === value;
        const chosen = all
          .reverse()
          .filter(
            ({ sha, ref, environment }) =>
              wants('sha', sha) && wants('ref', ref) && wants('environment', environment),
          );
        const { page, headers } = paginate(chosen, call);
        const at = services.addresses();
        return {
          status: 200,
          headers,
          body: page.map((deployment) => deploymentJson(deployment, found.fullName, at)),
        };
      },
    ],
    [
      'GET',
      '/repos/:owner/:repo/deployments/:id',
      async (call) => {
        const { found, deployment } = await find(call);
        return {
          status: 200,
          body: deploymentJson(deployment, found.fullName, services.addresses()),
        };
      },
    ],
    [
      'POST',
      '/repos/:owner/:repo/deployments/:id/statuses',
      async (call) => {
        const { found, deployment } = await find(call);
        requireWrite(call.caller, found.repo, store, 'deployments');
        const make = parseNewDeploymentStatus(call.body);
        const status = await records(found.repo).deploymentStatuses.create(
          String(deployment.id),
          make,
        );
        return {
          status: 201,
          body: deploymentStatusJson(status, deployment, found.fullName, services.addresses()),
        };
      },
    ],
    [
      'GET',
      '/repos/:owner/:repo/deployments/:id/statuses',
      async (call) => {
        const { found, deployment } = await find(call);
        const all = await records(found.repo).deploymentStatuses.list(String(deployment.id));
        const { page, headers } = paginate(all.reverse(), call);
        const at = services.addresses();
        return {
          status: 200,
          headers,
          body: page.map((status) => deploymentStatusJson(status, deployment, found.fullName, at)),
        };
      },
    ],
  ];
}
