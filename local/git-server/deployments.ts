import * as v from 'valibot';
import { type Addresses, type Json, nodeId } from './github-shapes.ts';
import { validate, webAddress } from './validate.ts';

const states = [
  'error',
  'failure',
  'inactive',
  'in_progress',
  'queued',
  'pending',
  'success',
] as const;
const text = v.pipe(v.string(), v.maxLength(255));
const address = v.optional(v.union([v.literal(''), webAddress]), '');

const deploymentSchema = v.object({
  ref: v.pipe(v.string(), v.nonEmpty(), v.maxLength(255)),
  task: v.optional(text, 'deploy'),
  environment: v.optional(text, 'production'),
  description: v.nullish(v.pipe(v.string(), v.maxLength(140)), null),
  payload: v.optional(v.unknown(), {}),
  production_environment: v.optional(v.boolean()),
  transient_environment: v.optional(v.boolean(), false),
});
const statusSchema = v.object({
  state: v.picklist(states),
  log_url: address,
  environment_url: address,
  environment: v.optional(text),
  description: v.nullish(v.pipe(v.string(), v.maxLength(140)), ''),
});

/** What was asked to be deployed where. */
export interface Deployment extends v.InferOutput<typeof deploymentSchema> {
  readonly id: number;
  readonly sha: string;
  readonly createdAt: string;
}

/** One step of a deployment. */
export interface DeploymentStatus extends v.InferOutput<typeof statusSchema> {
  readonly id: number;
  readonly createdAt: string;
}

/**
 * Reads the body of "create a deployment".
 *
 * @see https://docs.github.com/en/rest/deployments/deployments#create-a-deployment
 * @throws HttpError 422
 */
export function parseNewDeployment(body: unknown): v.InferOutput<typeof deploymentSchema> {
  return validate(deploymentSchema, body, 'Deployment');
}

/**
 * Reads the body of "create a deployment status".
 *
 * @throws HttpError 422
 */
export function parseNewDeploymentStatus(body: unknown): (id: number) => DeploymentStatus {
  const fields = validate(statusSchema, body, 'DeploymentStatus');
  return (id) => ({ id, createdAt: new Date().toISOString(), ...fields });
}

/** A deployment as the API shows it. */
export function deploymentJson(deployment: Deployment, fullName: string, at: Addresses): Json {
  const { createdAt, ...fields } = deployment;
  const url = `${at.api}/repos/${fullName}/deployments/${deployment.id}`;
  return {
    url,
    node_id: nodeId('Deployment', deployment.id),
    original_environment: deployment.environment,
    created_at: createdAt,
    updated_at: createdAt,
    statuses_url: `${url}/statuses`,
    repository_url: `${at.api}/repos/${fullName}`,
    ...fields,
    production_environment: fields.production_environment ?? fields.environment === 'production',
  };
}

/** A deployment's status as the API shows it. */
export function deploymentStatusJson(
  status: DeploymentStatus,
  deployment: Deployment,
  fullName: string,
  at: Addresses,
): Json {
  const { createdAt, ...fields } = status;
  const deploymentUrl = `${at.api}/repos/${fullName}/deployments/${deployment.id}`;
  return {
    url: `${deploymentUrl}/statuses/${status.id}`,
    node_id: nodeId('DeploymentStatus', status.id),
    target_url: status.log_url,
    created_at: createdAt,
    updated_at: createdAt,
    deployment_url: deploymentUrl,
    repository_url: `${at.api}/repos/${fullName}`,
    ...fields,
    environment: fields.environment ?? deployment.environment,
  };
}
