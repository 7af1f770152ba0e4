import * as v from 'valibot';
import { CloudError } from '#shared/errors.ts';

const digest = v.pipe(v.string(), v.regex(/^sha256:[0-9a-f]{64}$/));
const descriptor = v.object({ mediaType: v.string(), digest, size: v.number() });
const manifestShape = v.object({ config: descriptor, layers: v.array(descriptor) });
const indexShape = v.object({
  manifests: v.array(
    v.object({
      ...descriptor.entries,
      platform: v.optional(v.object({ architecture: v.string(), os: v.string() })),
    }),
  ),
});
const configShape = v.object({
  config: v.object({
    Env: v.nullish(v.array(v.string())),
    Entrypoint: v.nullish(v.array(v.string())),
    Cmd: v.nullish(v.array(v.string())),
    WorkingDir: v.nullish(v.string()),
    Labels: v.nullish(v.record(v.string(), v.string())),
  }),
});

/** The label of images that bring a function but no Node: the provider runs them with its own. */
export const runtimeLabel = 'com.openfaas.cloud.runtime';

/** An image manifest, as far as it is used. */
export type ImageManifest = v.InferOutput<typeof manifestShape>;

/** What an image says about how to run it. */
export interface ImageConfig {
  readonly env: readonly string[];
  /** Entrypoint and command in one. */
  readonly command: readonly string[];
  readonly workingDir: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Reads a manifest, or picks this machine's one from an index. */
export function readManifest(json: string): ImageManifest | { digest: string } {
  const value = parse(json, v.union([manifestShape, indexShape]), 'manifest');
  if ('layers' in value) return value;
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const fit = value.manifests.find(
    ({ platform }) => platform?.os === 'linux' && platform.architecture === architecture,
  );
  const chosen = fit ?? (value.manifests.length === 1 ? value.manifests[0] : undefined);
  if (chosen !== undefined) return { digest: chosen.digest };
  throw new CloudError('OFC_DEPLOY_FAILED', `The image has no variant for linux/${architecture}.`);
}

/** Reads an image's configuration. */
export function readImageConfig(json: string): ImageConfig {
  const { config } = parse(json, configShape, 'configuration');
  return {
    env: config.Env ?? [],
    command: [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])],
    workingDir: config.WorkingDir || '/',
    labels: config.Labels ?? {},
  };
}

function parse<S extends v.GenericSchema>(json: string, shape: S, what: string): v.InferOutput<S> {
  try {
    return v.parse(shape, JSON.parse(json));
  } catch (error) {
    throw new CloudError('OFC_DEPLOY_FAILED', `The image's ${what} cannot be read.`, {
      cause: error,
    });
  }
}
