import * as v from 'valibot';
import { CloudError } from '#shared/errors.ts';
import { type Owner, parseRepoName } from '#shared/names.ts';
import {
  cancel,
  deleteFunction,
  redeploy,
  removeRepo,
  rollBack,
} from '#shared/pipeline/deployment-actions.ts';
import { newestDeployments } from '#shared/pipeline/deployment-list.ts';
import { parseScmId } from '#shared/scm/scm-id.ts';
import { deploymentRow } from '../deployment-view.ts';
import { type ApiParts, type ApiRoute, acting } from './route.ts';
import { deploymentRowSchema, doneSchema } from './schemas.ts';
import { ownDeployment, ownerOf, ownFunction } from './whose.ts';

const deploymentBody = v.object({ owner: v.string(), repo: v.string(), id: v.string() });
const functionBody = v.object({ owner: v.string(), function: v.string() });
const repoBody = v.object({ owner: v.string(), repo: v.string() });

/** What people do to their deployments, functions and repos; all of it is on the audit trail. */
export const actionRoutes: readonly ApiRoute[] = [
  acting({
    name: 'roll-back',
    summary:
      'Puts the images of a deployment that was live in place again; gives the new deployment.',
    body: deploymentBody,
    answer: deploymentRowSchema,
    async act(parts, { body, visitor }) {
      const source = await ownDeployment(parts, body, visitor);
      return await rowOf(parts, await rollBack(parts.acting, source, visitor));
    },
  }),
  acting({
    name: 'redeploy',
    summary: 'Deploys the commit of a deployment again; gives the new deployment.',
    body: deploymentBody,
    answer: deploymentRowSchema,
    async act(parts, { body, visitor }) {
      const source = await ownDeployment(parts, body, visitor);
      return await rowOf(parts, await redeploy(parts.acting, source, visitor));
    },
  }),
  acting({
    name: 'cancel',
    summary: 'Ends a deployment that goes on; what is rolled out already stays.',
    body: deploymentBody,
    answer: deploymentRowSchema,
    async act(parts, { body, visitor }) {
      const source = await ownDeployment(parts, body, visitor);
      await cancel(parts.acting, source, visitor);
      return await rowOf(parts, source.deployment);
    },
  }),
  acting({
    name: 'delete-function',
    summary: 'Removes a function; the next push that declares it brings it back.',
    body: functionBody,
    answer: doneSchema,
    async act(parts, { body, visitor }) {
      const { name, repo } = await ownFunction(parts, body, visitor);
      const owner = ownerOf(body.owner, visitor);
      await refuseWhileDeploying(parts, owner, repo);
      const scm = parseScmId(visitor.provider);
      await deleteFunction(parts.acting, { owner, key: name, scm }, visitor);
      return { accepted: true };
    },
  }),
  acting({
    name: 'remove-repo',
    summary:
      'Removes all functions and sealed secrets of a repo, and cancels its open deployments.',
    body: repoBody,
    answer: doneSchema,
    async act(parts, { body, visitor }) {
      const owner = ownerOf(body.owner, visitor);
      const repo = parseRepoName(body.repo);
      const [newest] = await newestDeployments(parts.store, owner, { repo, limit: 1 });
      if (newest === undefined) throw new CloudError('OFC_NOT_FOUND', 'There is no such repo.');
      const { deployment } = await ownDeployment(parts, newest, visitor);
      await removeRepo(parts.acting, deployment, visitor);
      return { accepted: true };
    },
  }),
];

/** What is rolled out in a moment would bring back what is deleted now. */
async function refuseWhileDeploying(
  { records }: ApiParts,
  owner: Owner,
  repo: string,
): Promise<void> {
  for (const ref of await records.open()) {
    if (ref.owner !== owner || ref.repo !== repo || (await records.isClosed(ref))) continue;
    throw new CloudError('OFC_CONFLICT', `A deployment of ${repo} is under way.`, {
      hint: 'It would bring the function back. Cancel it, or wait until it has ended, and delete then.',
    });
  }
}

async function rowOf({ records }: ApiParts, ref: Parameters<ApiParts['records']['load']>[0]) {
  const found = await records.load(ref);
  if (found === undefined) throw new CloudError('OFC_INTERNAL', `Deployment ${ref.id} is gone.`);
  return deploymentRow(found);
}
