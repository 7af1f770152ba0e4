import { CloudError } from '#shared/errors.ts';
import type { Identity } from '#shared/messages/identity.ts';
import { type Owner, parseOwner, parseRepoName } from '#shared/names.ts';
import { parseDeploymentId } from '#shared/pipeline/deployment.ts';
import { cloudLabel } from '#shared/pipeline/labels.ts';
import type { DeploymentRecords } from '#shared/pipeline/states.ts';
import { ask } from '../ask.ts';
import { functionRows, listedFunctionsSchema } from '../function-rows.ts';
import type { ApiParts, Parameter } from './route.ts';
import type { FunctionRow } from './schemas.ts';

/** The parameter that {@link ownerOf} reads. */
export const ownerParameter: Parameter = {
  name: 'owner',
  meaning: 'An account, organisation or group that you belong to.',
  required: true,
};
/** The parameter that {@link ownFunction} reads beside the owner. */
export const functionParameter: Parameter = {
  name: 'function',
  meaning: 'The name in stack.yml.',
  required: true,
};
/** The parameters that {@link ownDeployment} reads beside the owner. */
export const deploymentParameters: readonly Parameter[] = [
  { name: 'repo', meaning: "The repo's name.", required: true },
  { name: 'id', meaning: "The deployment's id.", required: true },
];

/**
 * The owner a question is about; one that the visitor may not see does not exist for them.
 *
 * @throws CloudError `OFC_NOT_FOUND`, `OFC_NAME_INVALID`, `OFC_BAD_REQUEST` without any
 */
export function ownerOf(name: unknown, { login, owners }: Identity): Owner {
  if (typeof name !== 'string') {
    throw new CloudError('OFC_BAD_REQUEST', 'The owner is missing.', {
      hint: 'Say whose it is, such as owner=alice; /dashboard/api/openapi.json describes all routes.',
    });
  }
  const owner = parseOwner(name);
  if (![login, ...owners].some((each) => each.toLowerCase() === owner)) {
    throw new CloudError('OFC_NOT_FOUND', 'There is no such owner, or nothing of theirs for you.');
  }
  return owner;
}

/**
 * A deployment of an owner whom the visitor may see, pushed at the SCM where they signed in.
 *
 * @throws CloudError `OFC_NOT_FOUND`, and those of the parsers
 */
export async function ownDeployment(
  { records }: Pick<ApiParts, 'records'>,
  named: { readonly owner: unknown; readonly repo: unknown; readonly id: unknown },
  visitor: Identity,
): Promise<DeploymentRecords> {
  const found = await records.load({
    owner: ownerOf(named.owner, visitor),
    repo: parseRepoName(named.repo),
    id: parseDeploymentId(named.id),
  });
  if (found?.deployment.scm !== visitor.provider) {
    throw new CloudError('OFC_NOT_FOUND', 'There is no such deployment.');
  }
  return found;
}

/** The functions of an owner of the provider where the visitor signed in: others may share the name. */
export async function listFunctions(parts: ApiParts, owner: Owner, { provider }: Identity) {
  const listed = await ask(parts, 'list-functions', { user: owner }, listedFunctionsSchema);
  return listed.filter(({ labels }) => (labels[cloudLabel.scm] ?? 'github') === provider);
}

/**
 * A function, by owner and name, which is theirs by the gateway's word.
 *
 * @throws CloudError `OFC_NOT_FOUND`, and those of the parsers and of list-functions
 */
export async function ownFunction(
  parts: ApiParts,
  named: { readonly owner: unknown; readonly function: unknown },
  visitor: Identity,
): Promise<FunctionRow> {
  const owner = ownerOf(named.owner, visitor);
  const listed = await listFunctions(parts, owner, visitor);
  const rows = functionRows(owner, listed, undefined, parts.urls);
  const found = rows.find(({ name }) => name === named.function);
  if (found === undefined) throw new CloudError('OFC_NOT_FOUND', 'There is no such function.');
  return found;
}
