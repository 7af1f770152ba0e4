import * as v from 'valibot';
import { CloudError } from '#shared/errors.ts';
import type { FunctionSpec } from '../provider/provider.ts';
import { namespaceField, namespaceOf } from './namespace.ts';

const serviceName = v.pipe(
  v.string('service must be a text'),
  v.maxLength(63, 'service must have at most 63 characters'),
  v.regex(
    /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/,
    'service must be lower-case letters, digits and hyphens, and begin and end with a letter or digit',
  ),
);

const image = v.pipe(
  v.string('image must be a text'),
  v.regex(/^[\w][\w.\-/:@[\]]*$/, 'image must be an image reference'),
  v.maxLength(1024, 'image is too long'),
);

/** Kubernetes' rules for labels: what is deployed here can be deployed there. */
const labelKey = v.pipe(
  v.string(),
  v.maxLength(317),
  v.regex(
    /^(?:[a-z0-9][-a-z0-9.]{0,252}\/)?[A-Za-z0-9](?:[-\w.]{0,61}[A-Za-z0-9])?$/,
    'a label or annotation has a key that Kubernetes does not take',
  ),
);
const labelValue = v.pipe(
  v.string(),
  v.regex(
    /^(?:[A-Za-z0-9](?:[-\w.]{0,61}[A-Za-z0-9])?)?$/,
    'a label has a value that Kubernetes does not take (63 letters, digits, ".", "_", "-")',
  ),
);

const variableName = v.pipe(
  v.string(),
  v.regex(/^[^=\0\s]+$/, 'envVars has a name that cannot be one'),
);
const variableValue = v.pipe(
  v.string(),
  v.regex(/^[^\0]*$/, 'envVars has a value with a NUL character'),
);

const quantity = v.pipe(
  v.string(),
  v.regex(
    /^\d+(?:\.\d+)?(?:m|[kMGTPE]|[KMGTPE]i)?$/,
    'limits and requests take quantities such as 128Mi or 100m',
  ),
);

function optional<Schema extends v.GenericSchema>(schema: Schema) {
  return v.optional(v.nullable(schema));
}

const resources = optional(
  v.pipe(
    v.object({ memory: v.optional(quantity), cpu: v.optional(quantity) }),
    v.transform(({ memory, cpu }) => ({
      ...(memory === undefined ? {} : { memory }),
      ...(cpu === undefined ? {} : { cpu }),
    })),
  ),
);

const deploymentSchema = v.object({
  service: serviceName,
  image,
  namespace: namespaceField,
  envProcess: optional(v.string()),
  envVars: optional(v.record(variableName, variableValue)),
  constraints: optional(v.array(v.string())),
  secrets: optional(v.array(v.string())),
  labels: optional(v.record(labelKey, labelValue)),
  annotations: optional(v.record(labelKey, v.string())),
  limits: resources,
  requests: resources,
  readOnlyRootFilesystem: optional(v.boolean()),
});

/**
 * Reads a FunctionDeployment, the body of `POST` and `PUT /system/functions`. Fields that OpenFaaS
 * no longer uses (`registryAuth`, `network`) and GPU quantities are ignored.
 *
 * @throws CloudError `OFC_BAD_REQUEST` that says what is wrong.
 */
export function parseDeployment(json: unknown, createdAt: string): FunctionSpec {
  const parsed = v.safeParse(deploymentSchema, json);
  if (!parsed.success) {
    const [issue] = parsed.issues;
    const where = v.getDotPath(issue) ?? 'body';
    throw new CloudError(
      'OFC_BAD_REQUEST',
      `The function is not valid: ${where}: ${issue.message}.`,
    );
  }
  const { envProcess, limits, requests, ...given } = parsed.output;
  return {
    service: given.service,
    image: given.image,
    namespace: namespaceOf(given.namespace),
    ...(envProcess ? { envProcess } : {}),
    envVars: given.envVars ?? {},
    constraints: given.constraints ?? [],
    secrets: [...new Set(given.secrets ?? [])],
    labels: given.labels ?? {},
    annotations: given.annotations ?? {},
    ...(limits ? { limits } : {}),
    ...(requests ? { requests } : {}),
    readOnlyRootFilesystem: given.readOnlyRootFilesystem ?? false,
    createdAt,
  };
}
