import { CloudError } from '#shared/errors.ts';
import type { FunctionStatus } from '#shared/gateway/function-status.ts';
import type { GatewayClient } from '#shared/gateway/gateway-client.ts';
import { authoriseFunction } from '#shared/messages/authorise-function.ts';
import { authoriseOwner } from '#shared/messages/authorise-owner.ts';
import type { ReceivedRequest } from '#shared/messages/receive.ts';
import type { Signer } from '#shared/messages/signature.ts';
import { belongsTo, cloudLabel } from '#shared/pipeline/labels.ts';
import type { PrometheusClient } from '#shared/prometheus/prometheus-client.ts';
import {
  type FunctionDetail,
  functionDetail,
  functionTotals,
  listSeries,
  type MetricsSeries,
  type Totals,
} from './function-metrics.ts';
import { parseMetricsQuery } from './metrics-query.ts';

/** What answering works with. */
export interface Metering {
  readonly signer: Signer;
  readonly gateway: Pick<GatewayClient, 'list' | 'get'>;
  readonly prometheus: PrometheusClient;
  /** The window of a request that names none, in milliseconds. */
  readonly windowMs: number;
  readonly now: () => number;
}

/** One value for each step of the window. Without the times: they are the same for hundreds. */
type CountSeries = Pick<MetricsSeries, 'success' | 'failure'>;

/** All functions of one owner, by deployed name. */
export interface OwnerMetrics {
  readonly windowSeconds: number;
  readonly functions: Readonly<Record<string, Totals & { readonly series?: CountSeries }>>;
}

const receiver = 'system-metrics';

/**
 * Answers `GET ?function=<deployed name>` with `{"success","failure"}` as the original does, with
 * `detail=1` also series and latencies; and `GET ?user=<owner>` for all functions of an owner.
 *
 * @throws CloudError whose status is the answer; a function of somebody else is not found.
 */
export async function answerMetrics(
  deps: Metering,
  request: ReceivedRequest,
): Promise<Totals | FunctionDetail | OwnerMetrics> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    throw new CloudError('OFC_METHOD', 'Only GET and HEAD are supported.');
  }
  const { signer, gateway, prometheus, now } = deps;
  const query = parseMetricsQuery(new URLSearchParams(request.rawQuery), deps.windowMs);
  const { windowMs, detail } = query;
  if (query.kind === 'owner') {
    const { owner } = query;
    authoriseOwner(signer, receiver, request, owner);
    const functions = (await gateway.list()).filter((fn) => belongsTo(fn, owner));
    // All functions of an owner are of one SCM; somebody of that name elsewhere is somebody else.
    authoriseOwner(signer, receiver, request, owner, functions[0]?.labels?.[cloudLabel.scm]);
    return await ownerMetrics(deps, functions, windowMs, detail);
  }
  const fn = await authoriseFunction({ signer, gateway }, receiver, request, query.service);
  if (detail) return await functionDetail(prometheus, fn, windowMs, now());
  const totals = await functionTotals(prometheus, [fn], windowMs);
  return totals.get(fn.name) ?? { success: 0, failure: 0 };
}

async function ownerMetrics(
  { prometheus, now }: Metering,
  functions: readonly FunctionStatus[],
  windowMs: number,
  detail: boolean,
): Promise<OwnerMetrics> {
  const [totals, series] = await Promise.all([
    functionTotals(prometheus, functions, windowMs),
    detail ? listSeries(prometheus, functions, windowMs, now()) : undefined,
  ]);
  return {
    windowSeconds: Math.round(windowMs / 1000),
    functions: Object.fromEntries(
      [...totals].map(([name, sums]) => {
        const over = series?.get(name);
        if (over === undefined) return [name, sums];
        const { success, failure } = over;
        return [name, { ...sums, series: { success, failure } }];
      }),
    ),
  };
}
