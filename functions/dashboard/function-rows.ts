import * as v from 'valibot';
import { type Owner, parseFunctionKey, serviceName } from '#shared/names.ts';
import { cloudLabel, repoUrlAnnotation } from '#shared/pipeline/labels.ts';
import type { PublicUrls } from '#shared/public-urls.ts';
import type { FunctionRow, Traffic } from './api/schemas.ts';

const textMap = v.optional(v.record(v.string(), v.string()), {});

/** What list-functions answers. */
export const listedFunctionsSchema = v.array(
  v.object({
    name: v.string(),
    image: v.string(),
    replicas: v.number(),
    availableReplicas: v.number(),
    labels: textMap,
    annotations: textMap,
    environment: v.optional(v.array(v.string()), []),
    secrets: v.optional(v.array(v.string()), []),
    limits: textMap,
  }),
);

/** What system-metrics answers for an owner, as far as a list shows it. */
export const ownerMetricsSchema = v.object({
  functions: v.record(
    v.string(),
    v.object({
      success: v.number(),
      failure: v.number(),
      series: v.object({ success: v.array(v.number()), failure: v.array(v.number()) }),
    }),
  ),
});
type OwnerMetrics = v.InferOutput<typeof ownerMetricsSchema>;

/** Listed functions as the dashboard shows them, newest deployment first. */
export function functionRows(
  owner: Owner,
  listed: v.InferOutput<typeof listedFunctionsSchema>,
  metrics: OwnerMetrics | undefined,
  urls: PublicUrls,
): FunctionRow[] {
  const prefix = servicePrefix(owner);
  return listed
    .filter(({ name }) => name.startsWith(prefix))
    .map((fn): FunctionRow => {
      const { labels, annotations } = fn;
      const name = fn.name.slice(prefix.length);
      const seconds = Number(labels[cloudLabel.deployTime]);
      return {
        service: fn.name,
        name,
        owner,
        url: urls.function(owner, parseFunctionKey(name)),
        repo: labels[cloudLabel.repo] ?? '',
        repoUrl: webUrl(annotations[repoUrlAnnotation]),
        branch: labels[cloudLabel.branch] ?? '',
        sha: labels[cloudLabel.sha] ?? '',
        private: labels[cloudLabel.private] === '1',
        deployment: labels[cloudLabel.deployment] ?? null,
        deployedBy: null,
        deployedAt: Number.isFinite(seconds) ? seconds * 1000 : null,
        replicas: fn.replicas,
        availableReplicas: fn.availableReplicas,
        traffic: trafficOf(metrics?.functions[fn.name]),
        image: fn.image,
        environment: fn.environment,
        secrets: fn.secrets,
        limits: fn.limits,
        labels,
        annotations,
      };
    })
    .sort((a, b) => (b.deployedAt ?? 0) - (a.deployedAt ?? 0) || (a.name < b.name ? -1 : 1));
}

/** What the deployed names of an owner's functions begin with. */
function servicePrefix(owner: Owner): string {
  return serviceName(owner, parseFunctionKey('x')).slice(0, -1);
}

function trafficOf(found: OwnerMetrics['functions'][string] | undefined): Traffic | null {
  if (found === undefined) return null;
  const { success, failure, series } = found;
  return {
    success,
    failure,
    failures: series.failure,
    spark: series.success.map((value, index) => value + (series.failure[index] ?? 0)),
  };
}

/** A link is shown only if it leads to a web page. */
export function webUrl(text: string | undefined): string | null {
  return text !== undefined && /^https?:\/\/[^\s"'<>]+$/.test(text) ? text : null;
}
