import { fileURLToPath } from 'node:url';
import type { FunctionContext, FunctionEvent } from '#runtime-types';
import { loadConfig, type Settings } from '#shared/config.ts';
import { CloudError } from '#shared/errors.ts';
import { fetchCommit } from '#shared/git/fetch-commit.ts';
import type { FetchLimits } from '#shared/git/limited-http.ts';
import { withSubmodules } from '#shared/git/submodules.ts';
import { receiveMessage } from '#shared/messages/receive.ts';
import type { Signer } from '#shared/messages/signature.ts';
import { observed } from '#shared/observe/observed.ts';
import { once } from '#shared/once.ts';
import { type Deployment, deploymentRefSchema } from '#shared/pipeline/deployment.ts';
import { loadPipeline } from '#shared/pipeline/pipeline.ts';
import { parseImageReference } from '#shared/registry/image-reference.ts';
import { createRegistryClient } from '#shared/registry/registry-client.ts';
import { createSecretsClient } from '#shared/sealed-secrets/secrets-messages.ts';
import { createCachedTree } from '#shared/shrinkwrap/cached-tree.ts';
import { createFolderTree } from '#shared/shrinkwrap/folder-tree.ts';
import { defaultSourceLimits } from '#shared/shrinkwrap/limits.ts';
import { credentialsSettings } from './credentials.ts';
import { type GitTar, planDeployment } from './plan-deployment.ts';
import { createTemplateFetch } from './template-repositories.ts';
import { createTemplates, type Templates } from './templates.ts';

const step = observed('git-tar');
const loaded = once(() => loadConfig(load));

/** Reads the configuration; a mistake in it stops the function at its start. */
export const init = async (): Promise<void> => {
  loaded();
};

/** Turns a pushed commit into a plan and one build context for each function. */
export default step.classic(async (event: FunctionEvent, context: FunctionContext) => {
  const { signer, gitTar } = loaded();
  if (event.method !== 'POST') throw new CloudError('OFC_METHOD', 'Only POST is supported.');
  const ref = receiveMessage(signer, 'git-tar', event, deploymentRefSchema);
  const plan = await planDeployment(gitTar, ref);
  return context.status(200).succeed({ outcome: plan?.outcome ?? 'ended' });
});

/** What it counts of its own step. */
export const metrics = () => step.metrics.render();
/** Sends on the spans that wait. */
export const { close } = step;

function load(settings: Settings): { signer: Signer; gitTar: GitTar } {
  const { signer, records, store, gateway } = loadPipeline(settings, { admin: false });
  const limits: FetchLimits = {
    maxBytes: settings.integer('clone_max_mb', 100, { min: 1 }) * 1024 * 1024,
    timeoutMs: settings.duration('clone_timeout', '2m'),
  };
  const credentials = credentialsSettings(settings);
  const submodules = settings.flag('enable_submodules', false);
  const fetch = async (deployment: Deployment) => {
    const { cloneUrl: url, sha } = deployment;
    const commit = await credentials.lend(deployment, (access) =>
      fetchCommit({ url, sha, access }, limits),
    );
    if (!submodules) return commit;
    return withSubmodules(commit, url, (address, at) =>
      fetchCommit({ url: address, sha: at }, limits),
    );
  };
  const registry = createRegistryClient({});
  // An image that the registry cannot tell us about is taken to be there: pulling it will tell.
  const imageExists = (image: string) =>
    registry.manifestDigest(parseImageReference(image)).then(
      (digest) => digest !== undefined,
      () => true,
    );
  const planning: GitTar['planning'] = {
    templates: loadTemplates(settings, limits),
    pushRepositoryUrl: settings.text('push_repository_url'),
    limits: defaultSourceLimits,
    allowedBuildArgs: new Set(settings.list('allowed_build_args', 'GO111MODULE,ASSETS,TYPECHECK')),
  };
  const secrets = createSecretsClient(gateway, signer);
  return { signer, gitTar: { records, store, fetch, planning, imageExists, secrets } };
}

function loadTemplates(settings: Settings, limits: FetchLimits): Templates {
  const builtIn = settings.text(
    'template_folder',
    fileURLToPath(new URL('template', import.meta.url)),
  );
  const aliases = settings.list('template_aliases').map((alias) => {
    const [lang = '', template = ''] = alias.split('=');
    return [lang, template] as const;
  });
  return createTemplates({
    builtIn: createCachedTree(createFolderTree(builtIn)),
    aliases: Object.fromEntries(aliases),
    repositories: settings.list('custom_templates', 'https://github.com/openfaas/templates'),
    enableDockerfile: settings.flag('enable_dockerfile_lang', false),
    fetch: createTemplateFetch(limits, settings.duration('template_refresh', '5m')),
  });
}
