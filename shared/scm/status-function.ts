import * as v from 'valibot';
import { createBuildLogs } from '../build-log/build-logs.ts';
import { coalesce } from '../coalesce.ts';
import type { Settings } from '../config.ts';
import { CloudError } from '../errors.ts';
import { messageFunction } from '../messages/message-function.ts';
import type { Signer } from '../messages/signature.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import { createS3ObjectStore } from '../object-store/s3-object-store.ts';
import { type DeploymentRef, deploymentRefSchema, refOf } from '../pipeline/deployment.ts';
import { createRecords } from '../pipeline/records.ts';
import { signerSettings, storeSettings } from '../platform-settings.ts';
import { publicUrlSettings } from '../public-urls.ts';
import { type Reporting, reportDeployment } from './report-deployment.ts';
import type { Reporter } from './reporter.ts';
import { retryAfterSeconds } from './retry-after.ts';
import type { ScmId } from './scm-id.ts';

/** Reads the settings of all SCMs of one kind, and makes their reporters. */
export type LoadReporters = (settings: Settings, store: ObjectStore) => [ScmId, Reporter][];

interface Status {
  readonly signer: Signer;
  /** Gives the number of entries written. */
  readonly report: (ref: DeploymentRef) => Promise<number>;
}

/**
 * The status function of a kind of SCM: brings what a commit says of its deployment up to date.
 *
 * @param name The function's own name, for which messages are signed.
 */
export function statusFunction(name: string, reporters: LoadReporters) {
  const loadStatus = (settings: Settings) => load(settings, reporters);
  return messageFunction(
    name,
    deploymentRefSchema,
    loadStatus,
    async ({ report }, ref, context) => {
      try {
        const written = await report(ref);
        return context.status(200).succeed({ id: ref.id, written });
      } catch (error) {
        const seconds = retryAfterSeconds(error);
        if (seconds === undefined) throw error;
        return context
          .status(429)
          .headers({ 'retry-after': String(seconds) })
          .succeed(`The rate limit of the SCM is reached for ${seconds} s.`);
      }
    },
  );
}

function load(settings: Settings, reporters: LoadReporters): Status {
  const signer = signerSettings(settings);
  const store = createS3ObjectStore(storeSettings(settings));
  const reporting: Reporting = {
    records: createRecords(store),
    logs: createBuildLogs(store),
    urls: publicUrlSettings(settings),
    reporter: settings.flag('report_status', true)
      ? byScm(new Map(reporters(settings, store)))
      : silent,
  };
  return { signer, report: coalesced(reporting, settings.duration('status_interval', '1s')) };
}

/** Where the operator wants no reports: then a verdict counts as told at once. */
const silent: Reporter = { report: async () => false };

/** Each deployment is reported to the SCM that it came from, and nowhere else. */
function byScm(reporters: ReadonlyMap<ScmId, Reporter>): Reporter {
  return {
    async report(deployment, ...rest) {
      const reporter = reporters.get(deployment.scm);
      if (reporter !== undefined) return reporter.report(deployment, ...rest);
      throw new CloudError('OFC_CONFIG', `There is no SCM "${deployment.scm}".`, {
        hint: 'List it in the variable scms.',
      });
    },
  };
}

/** A push of ten functions sends some thirty messages; what they are about is read once for many. */
function coalesced(
  reporting: Reporting,
  intervalMs: number,
): (ref: DeploymentRef) => Promise<number> {
  const report = coalesce(
    (key) => reportDeployment(reporting, v.parse(deploymentRefSchema, JSON.parse(key))),
    intervalMs,
  );
  return (ref) => report(JSON.stringify(refOf(ref)));
}
