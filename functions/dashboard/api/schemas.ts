import * as v from 'valibot';
import { auditEntrySchema } from '#shared/audit-trail.ts';
import { platformStateSchema } from '#shared/doctor/platform-state.ts';
import { functionDetailSchema } from '../function-traffic.ts';

/**
 * What the dashboard's API answers. The page's own code shares these types, and the API's description
 * is made from them, so all sides change together.
 *
 * @module
 */

const text = v.string();
const textMap = v.record(text, text);
/** Milliseconds since 1970. */
const time = v.number();
const strings = v.array(text);

/** `GET /dashboard/api/me` */
export const meSchema = v.object({
  login: text,
  /** The SCM at which the person signed in. */
  provider: text,
  /** The owners whose things this person may see; the login comes first. */
  owners: strings,
  /** Whether the person runs the platform. */
  operator: v.boolean(),
  /** Texts and addresses that depend on the installation. */
  site: v.object({ systemOrigin: text }),
});
/** See {@link meSchema}. */
export type Me = v.InferOutput<typeof meSchema>;

const trafficSchema = v.object({
  success: v.number(),
  failure: v.number(),
  /** Invocations in each step of the window, oldest first. */
  spark: v.array(v.number()),
  /** Those of them that failed. */
  failures: v.array(v.number()),
});
/** Invocations in the window, and how they were spread over it. */
export type Traffic = v.InferOutput<typeof trafficSchema>;

const functionRowSchema = v.object({
  /** The deployed name. */
  service: text,
  /** The name in stack.yml. */
  name: text,
  owner: text,
  url: text,
  repo: text,
  repoUrl: v.nullable(text),
  branch: text,
  sha: text,
  private: v.boolean(),
  /** The id of the deployment that put it in place, and who pushed it; `null` if that is not known. */
  deployment: v.nullable(text),
  deployedBy: v.nullable(text),
  /** `null` if it is not known. */
  deployedAt: v.nullable(time),
  replicas: v.number(),
  availableReplicas: v.number(),
  /** `null` while metrics do not answer. */
  traffic: v.nullable(trafficSchema),
  image: text,
  environment: strings,
  secrets: strings,
  limits: textMap,
  labels: textMap,
  annotations: textMap,
});
/** One function in `GET /dashboard/api/functions`. */
export type FunctionRow = v.InferOutput<typeof functionRowSchema>;

/** `GET /dashboard/api/function?owner=&function=` */
export const functionOneSchema = v.object({
  ...functionRowSchema.entries,
  /** What its image was made from; `null` if the records are gone. */
  provenance: v.nullable(
    v.object({
      repo: text,
      id: text,
      sha: text,
      /** The repo's page at its SCM; `null` if that is no web page. */
      repoUrl: v.nullable(text),
      branch: text,
      pusher: text,
      /** The whole reference, by digest. */
      image: text,
      /** When its build began and ended; of one that was built before, when that was found out. */
      startedAt: time,
      builtAt: time,
      seconds: v.number(),
      cached: v.boolean(),
      contextDigest: text,
      lang: text,
    }),
  ),
  /** The badge's address; it shows something if the repo is public. */
  badgeUrl: text,
});
/** See {@link functionOneSchema}. */
export type FunctionOne = v.InferOutput<typeof functionOneSchema>;

/** `POST /dashboard/api/try` */
export const triedSchema = v.object({
  status: v.number(),
  headers: v.array(v.object({ name: text, value: text })),
  body: text,
  /** The body was longer. */
  truncated: v.boolean(),
  ms: v.number(),
});
/** See {@link triedSchema}. */
export type TriedAnswer = v.InferOutput<typeof triedSchema>;

/** `GET /dashboard/api/functions?owner=` */
export const functionListSchema = v.object({
  functions: v.array(functionRowSchema),
  /** Why there are no numbers, if there are none. */
  metricsProblem: v.nullable(text),
});
/** See {@link functionListSchema}. */
export type FunctionList = v.InferOutput<typeof functionListSchema>;

/** `GET /dashboard/api/function-traffic?owner=&function=` */
export const trafficDetailSchema = functionDetailSchema;

const functionState = v.picklist([
  'planned',
  'building',
  'deploying',
  'live',
  'failed',
  'superseded',
  'cancelled',
  'skipped',
]);
const deploymentState = v.picklist(['received', ...functionState.options]);

/** One deployment in `GET /dashboard/api/deployments?owner=`. */
export const deploymentRowSchema = v.object({
  owner: text,
  repo: text,
  id: text,
  branch: text,
  sha: text,
  pusher: text,
  /** Set if nobody pushed: an earlier deployment was asked for again. */
  origin: v.nullable(v.object({ kind: v.picklist(['roll-back', 'redeploy']), of: text })),
  receivedAt: time,
  state: deploymentState,
  /** The verdict in a sentence, once there is one. */
  text: v.nullable(text),
  endedAt: v.nullable(time),
});
/** See {@link deploymentRowSchema}. */
export type DeploymentRow = v.InferOutput<typeof deploymentRowSchema>;

/** `GET /dashboard/api/deployments?owner=` */
export const deploymentPageSchema = v.object({
  deployments: v.array(deploymentRowSchema),
  /** Ask with `before=` this for older ones. */
  next: v.nullable(text),
});
/** See {@link deploymentPageSchema}. */
export type DeploymentPage = v.InferOutput<typeof deploymentPageSchema>;

const deployedFunctionSchema = v.object({
  name: text,
  state: functionState,
  text,
  url: v.nullable(text),
  /** Built before, from the same context. */
  cached: v.boolean(),
  hasLog: v.boolean(),
});
/** What one function of a deployment came to. */
export type DeployedFunction = v.InferOutput<typeof deployedFunctionSchema>;

/** `GET /dashboard/api/deployment?owner=&repo=&id=` */
export const deploymentDetailSchema = v.object({
  ...deploymentRowSchema.entries,
  repoUrl: text,
  /** The trace in which the steps of this push are spans. */
  traceId: v.nullable(text),
  warnings: strings,
  functions: v.array(deployedFunctionSchema),
  /** Each so many milliseconds after the push was received. */
  steps: v.array(v.object({ ms: v.number(), what: text })),
});
/** See {@link deploymentDetailSchema}. */
export type DeploymentDetail = v.InferOutput<typeof deploymentDetailSchema>;

/** What has no answer of its own: it was taken on, and is done in a moment. */
export const doneSchema = v.object({ accepted: v.boolean() });
/** See {@link doneSchema}. */
export type Done = v.InferOutput<typeof doneSchema>;

/** `GET /dashboard/api/audit` */
export const auditPageSchema = v.object({
  entries: v.array(auditEntrySchema),
  /** Ask with `before=` this for older ones. */
  next: v.nullable(text),
});
/** See {@link auditPageSchema}. */
export type AuditAnswer = v.InferOutput<typeof auditPageSchema>;

/** `GET /dashboard/api/platform` */
export const platformSchema = v.object({
  /** `null` if the doctor, which has the gateway's password, does not answer. */
  state: v.nullable(platformStateSchema),
  problem: v.nullable(text),
  /** Deployments that go on, oldest first. */
  open: v.array(
    v.object({ owner: text, repo: text, id: text, sha: text, receivedAt: time, building: strings }),
  ),
});
/** See {@link platformSchema}. */
export type PlatformAnswer = v.InferOutput<typeof platformSchema>;

/** `GET /dashboard/api/findings` */
export const findingsSchema = v.object({
  findings: v.array(
    v.object({
      check: text,
      code: text,
      level: v.picklist(['ok', 'skipped', 'warning', 'error']),
      what: text,
      why: text,
      fix: text,
    }),
  ),
});
/** See {@link findingsSchema}. */
export type FindingsAnswer = v.InferOutput<typeof findingsSchema>;

/** `GET /dashboard/api/settings` */
export const settingsSchema = v.object({
  /** The SCMs from which repos may come, and how to connect one. */
  scms: v.array(
    v.object({
      scm: text,
      kind: v.picklist(['github', 'gitlab', 'gitea']),
      /** Where the SCM is. */
      url: text,
      /** Where its webhooks go. */
      webhookUrl: text,
      /** Whether it came with the platform: there is nothing to install, only to push. */
      isOwn: v.boolean(),
      /** Where the GitHub App is installed; `null` if the operator did not say, or there is none. */
      installUrl: v.nullable(text),
    }),
  ),
});
/** See {@link settingsSchema}. */
export type SettingsAnswer = v.InferOutput<typeof settingsSchema>;
