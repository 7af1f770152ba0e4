import * as v from 'valibot';

const textMap = v.optional(v.nullable(v.record(v.string(), v.string())));

/** The gateway's view of one function (`GET /system/functions`); Go omits zero and empty fields. */
export const functionStatusSchema = v.object({
  name: v.string(),
  image: v.optional(v.string(), ''),
  namespace: v.optional(v.string()),
  envProcess: v.optional(v.string()),
  envVars: textMap,
  constraints: v.optional(v.nullable(v.array(v.string()))),
  secrets: v.optional(v.nullable(v.array(v.string()))),
  labels: textMap,
  annotations: textMap,
  limits: v.optional(v.nullable(v.record(v.string(), v.string()))),
  requests: v.optional(v.nullable(v.record(v.string(), v.string()))),
  readOnlyRootFilesystem: v.optional(v.boolean()),
  replicas: v.optional(v.number(), 0),
  availableReplicas: v.optional(v.number(), 0),
  invocationCount: v.optional(v.number(), 0),
  createdAt: v.optional(v.string()),
  /** The embedded gateway says here why the newest replica died; OpenFaaS has no such field. */
  failure: v.optional(v.string()),
});

/** See {@link functionStatusSchema}. */
export type FunctionStatus = v.InferOutput<typeof functionStatusSchema>;

/** What `PUT /system/functions` and `POST /system/functions` take. */
export interface FunctionDeployment {
  readonly service: string;
  readonly image: string;
  readonly envProcess?: string;
  readonly envVars?: Readonly<Record<string, string>>;
  readonly constraints?: readonly string[];
  readonly secrets?: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly limits?: Resources;
  readonly requests?: Resources;
  readonly readOnlyRootFilesystem?: boolean;
}

/** Kubernetes quantities, such as `128Mi` and `100m`. */
export interface Resources {
  readonly memory?: string;
  readonly cpu?: string;
}
