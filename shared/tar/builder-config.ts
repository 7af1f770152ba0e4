import * as v from 'valibot';
import { CloudError } from '../errors.ts';

const buildConfig = v.object({
  /** The final image reference. */
  image: v.pipe(v.string(), v.nonEmpty(), v.maxLength(512)),
  buildArgs: v.optional(v.record(v.string(), v.string()), {}),
  platforms: v.optional(v.array(v.string())),
  skipPush: v.optional(v.boolean()),
  labels: v.optional(v.record(v.string(), v.string())),
});

/** What a builder request asks for: the JSON of its `com.openfaas.docker.config`. */
export type BuildConfig = v.InferOutput<typeof buildConfig>;

/**
 * Reads `com.openfaas.docker.config`. Unknown fields are ignored.
 *
 * @throws CloudError `OFC_BAD_REQUEST`
 */
export function parseBuildConfig(content: Buffer): BuildConfig {
  const hint = 'Send JSON such as {"image":"registry:5000/hello:latest","buildArgs":{}}.';
  let json: unknown;
  try {
    json = JSON.parse(content.toString('utf8'));
  } catch (cause) {
    throw new CloudError('OFC_BAD_REQUEST', 'The build configuration is not JSON.', {
      cause,
      hint,
    });
  }
  const result = v.safeParse(buildConfig, json);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const field = v.getDotPath(issue) ?? 'value';
  throw new CloudError('OFC_BAD_REQUEST', `The build configuration: ${field}: ${issue.message}.`, {
    hint,
  });
}
