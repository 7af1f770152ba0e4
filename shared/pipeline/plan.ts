import * as v from 'valibot';
import type { FunctionKey, SecretName, ServiceName } from '../names.ts';

const textMap = v.record(v.string(), v.string());
const resources = v.object({ memory: v.optional(v.string()), cpu: v.optional(v.string()) });

/** One function of a stack, validated, with everything that building and deploying it needs. */
export const plannedFunctionSchema = v.object({
  key: v.custom<FunctionKey>((value) => typeof value === 'string'),
  service: v.custom<ServiceName>((value) => typeof value === 'string'),
  lang: v.string(),
  /** The handler's folder in the repo, for messages. */
  handler: v.optional(v.string()),
  /** The reference to push to. */
  image: v.string(),
  /** `sha256:…` of the build context. */
  contextDigest: v.string(),
  contextSize: v.number(),
  /** Context, image repository and build arguments in one digest: equal key, equal image. */
  buildKey: v.string(),
  buildArgs: textMap,
  environment: textMap,
  secrets: v.array(v.custom<SecretName>((value) => typeof value === 'string')),
  /** A digest of the sealed forms of its secrets: another one rolls the function out again. */
  secretsVersion: v.optional(v.string()),
  /** Ids of the secrets that its build is given. */
  buildSecrets: v.optional(v.array(v.string())),
  labels: textMap,
  annotations: textMap,
  constraints: v.array(v.string()),
  limits: v.optional(resources),
  requests: v.optional(resources),
  envProcess: v.optional(v.string()),
  readOnlyRootFilesystem: v.optional(v.boolean()),
});
export type PlannedFunction = v.InferOutput<typeof plannedFunctionSchema>;

const failed = v.object({
  outcome: v.literal('failed'),
  code: v.string(),
  text: v.string(),
  at: v.number(),
});

/** The end of a step that did not work: what a person reads, and the stable code. */
export type FailedRecord = v.InferOutput<typeof failed>;

/** What git-tar found in the commit. */
export const planRecordSchema = v.variant('outcome', [
  v.object({
    outcome: v.literal('planned'),
    functions: v.array(plannedFunctionSchema),
    warnings: v.array(v.string()),
    /** Names of the secrets that the repo seals. */
    secrets: v.optional(v.array(v.string())),
    /** When the commit was made, in milliseconds: the time of everything in its images. */
    committedAt: v.optional(v.number()),
    at: v.number(),
  }),
  failed,
]);
export type PlanRecord = v.InferOutput<typeof planRecordSchema>;

/** The image of one function. */
export const buildRecordSchema = v.variant('outcome', [
  v.object({
    outcome: v.literal('built'),
    /** By digest: `registry/owner/repo-fn:tag@sha256:…`. */
    image: v.string(),
    /** Built before, from the same context. */
    cached: v.boolean(),
    seconds: v.number(),
    at: v.number(),
  }),
  failed,
]);
export type BuildRecord = v.InferOutput<typeof buildRecordSchema>;

/** The roll-out of one function. */
export const deployRecordSchema = v.variant('outcome', [
  v.object({ outcome: v.literal('live'), url: v.string(), at: v.number() }),
  failed,
]);
export type DeployRecord = v.InferOutput<typeof deployRecordSchema>;

/** The verdict on a deployment: written exactly once. */
export const closedRecordSchema = v.object({
  state: v.picklist(['live', 'failed', 'superseded', 'cancelled', 'skipped']),
  text: v.string(),
  at: v.number(),
});
export type ClosedRecord = v.InferOutput<typeof closedRecordSchema>;
