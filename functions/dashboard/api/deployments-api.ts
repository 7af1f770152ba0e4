import { parseFunctionKey, parseRepoName } from '#shared/names.ts';
import { parseDeploymentId } from '#shared/pipeline/deployment.ts';
import { newestDeployments } from '#shared/pipeline/deployment-list.ts';
import { deploymentDetail } from '../deployment-view.ts';
import { relay } from '../relay.ts';
import { type ApiRoute, reading, streaming } from './route.ts';
import { deploymentDetailSchema, deploymentPageSchema } from './schemas.ts';
import {
  deploymentParameters,
  functionParameter,
  ownDeployment,
  ownerOf,
  ownerParameter,
} from './whose.ts';

const pageSize = 25;

/** Deployments and their build logs. */
export const deploymentRoutes: readonly ApiRoute[] = [
  reading({
    name: 'deployments',
    summary: `The deployments of an owner, newest first, ${pageSize} at a time.`,
    query: [
      ownerParameter,
      { name: 'repo', meaning: 'Only those of this repo.' },
      { name: 'before', meaning: 'Only those that are older than the one of this id.' },
    ],
    answer: deploymentPageSchema,
    async act({ store, readRow }, { query, visitor }) {
      const repo = query.get('repo');
      const before = query.get('before');
      const refs = await newestDeployments(store, ownerOf(query.get('owner'), visitor), {
        ...(repo === null ? {} : { repo: parseRepoName(repo) }),
        ...(before === null ? {} : { before: parseDeploymentId(before) }),
        limit: pageSize,
      });
      const found = await Promise.all(refs.map((ref) => readRow(ref)));
      const deployments = found
        .filter((each) => each?.scm === visitor.provider)
        .flatMap((each) => each?.row ?? []);
      return { deployments, next: refs.length < pageSize ? null : (refs.at(-1)?.id ?? null) };
    },
  }),
  reading({
    name: 'deployment',
    summary: 'A deployment with its functions and steps.',
    query: [ownerParameter, ...deploymentParameters],
    answer: deploymentDetailSchema,
    async act(parts, { query, visitor }) {
      return deploymentDetail(await ownDeployment(parts, deploymentOf(query), visitor), parts.urls);
    },
  }),
  streaming({
    name: 'build-log',
    summary: 'The build log of a function.',
    query: [
      ownerParameter,
      ...deploymentParameters,
      functionParameter,
      { name: 'follow', meaning: '1: the answer goes on until the build ends.', values: ['1'] },
    ],
    answer: 'text/plain; charset=utf-8',
    async act(parts, { query, visitor, response, signal }) {
      const { deployment } = await ownDeployment(parts, deploymentOf(query), visitor);
      const { owner, repo, sha } = deployment;
      const key = parseFunctionKey(query.get('function'));
      const follow: Record<string, string> = query.get('follow') === '1' ? { follow: '1' } : {};
      const log = { owner, repo, sha, function: key, ...follow };
      await relay(parts, 'pipeline-log', log, 'text/plain; charset=utf-8', response, signal);
    },
  }),
];

function deploymentOf(query: URLSearchParams) {
  return { owner: query.get('owner'), repo: query.get('repo'), id: query.get('id') };
}
