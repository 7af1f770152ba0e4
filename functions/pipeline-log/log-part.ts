import * as v from 'valibot';
import { parseFunctionKey } from '#shared/names.ts';
import { deploymentRefSchema, deploymentSchema, parsedBy } from '#shared/pipeline/deployment.ts';

/** The signed message with which of-builder adds to a log. */
export const logPartSchema = v.object({
  owner: deploymentRefSchema.entries.owner,
  repo: deploymentRefSchema.entries.repo,
  sha: deploymentSchema.entries.sha,
  function: parsedBy(parseFunctionKey),
  run: v.pipe(v.string(), v.nonEmpty(), v.maxLength(100)),
  seq: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(99_999)),
  text: v.string(),
  final: v.boolean(),
});
