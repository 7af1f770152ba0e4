import { type Environment, loadConfig, type Settings } from '../config.ts';
import { deadline } from '../deadline.ts';
import { errorMessage, toCloudError } from '../errors.ts';
import { type Finding, type FindingCode, finding } from './finding.ts';

/** What checks work with. */
export interface Patient {
  /** As the platform's functions have it; `undefined`: our own. */
  readonly env: Environment | undefined;
  /** Whether the folder of secrets should hold all of them, or only those of the function that looks. */
  readonly allSecrets: boolean;
  readonly signal: AbortSignal;
}

/** Looks at one part. What it throws becomes a finding. */
export interface Check {
  readonly name: string;
  run(patient: Patient, report: Report): Promise<void>;
}

/** Notes what was found. */
export type Report = (code: FindingCode, what: string) => void;

/** A setting that is missing or wrong, as a finding of its own. */
class BadConfig extends Error {}

/** The settings of a part; if they are wrong, the check ends with that. */
export function settingsOf<T>(patient: Patient, read: (settings: Settings) => T): T {
  try {
    return loadConfig(read, patient.env);
  } catch (error) {
    throw new BadConfig(errorMessage(error).replace('The configuration is wrong: ', ''));
  }
}

/**
 * Runs checks side by side, each for `timeoutMs` at most.
 *
 * @returns The findings in the order of the checks; a check that found nothing wrong has one of level `ok`.
 */
export async function runChecks(
  checks: readonly Check[],
  patient: Patient,
  timeoutMs = 20_000,
): Promise<Finding[]> {
  const results = await Promise.all(checks.map((check) => runOne(check, patient, timeoutMs)));
  return results.flat();
}

async function runOne(check: Check, patient: Patient, timeoutMs: number): Promise<Finding[]> {
  const found: Finding[] = [];
  const { signal, clear } = deadline(timeoutMs, patient.signal);
  const ended = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('It took too long.')), { once: true });
  });
  ended.catch(() => undefined);
  const report: Report = (code, what) => {
    if (!signal.aborted) found.push(finding(check.name, code, what));
  };
  try {
    await Promise.race([check.run({ ...patient, signal }, report), ended]);
  } catch (error) {
    const code = error instanceof BadConfig ? 'config-invalid' : 'check-failed';
    const { text } = toCloudError(error);
    found.push(
      finding(
        check.name,
        code,
        error instanceof BadConfig || signal.aborted ? errorMessage(error) : text,
      ),
    );
  } finally {
    clear();
  }
  if (found.length === 0) found.push(finding(check.name, 'ok', 'Nothing to complain about.'));
  return found;
}
