import { setMaxListeners } from 'node:events';
import { parseArgs } from 'node:util';
import type { Environment } from '#shared/config.ts';
import { runChecks } from '#shared/doctor/check.ts';
import { checks } from '#shared/doctor/checks.ts';
import { type Finding, finding } from '#shared/doctor/finding.ts';
import { errorMessage, toCloudError } from '#shared/errors.ts';
import { findSubject } from './doctor-subject.ts';

const help = `Says what is missing or wrong in a platform, from this machine.

Usage: npm run doctor -- [options]

  --secrets <folder>   The secrets (default .secrets; if there are none, the platform that npm start runs here on
                       port 8080 is looked at)
  --set <name=value>   A variable other than in the files beside stack.yml, for names that this machine
                       does not know, such as --set gateway_url=http://127.0.0.1:8080; may be repeated
  --deployed <url>     Take the variables from the functions deployed at this gateway instead of the files
                       (faasd and npm start give them back, Kubernetes does not)
  --only <checks>      Some checks, comma-separated: ${checks.map(({ name }) => name).join(', ')}
  --timeout <seconds>  How long each check may take (default 20)
  --json               The findings as JSON
  --help               This text

Ends with 0 if there is no error, with 1 if there is one, with 2 for a wrong option. docs/doctor.md explains
every code. https://system.<domain>/doctor does the same from inside, for operators who are signed in.
`;

const marks = { ok: '✔', skipped: '–', warning: '!', error: '✘' } as const;

/**
 * `npm run doctor`.
 *
 * @param root The project's root folder.
 * @returns The exit code.
 */
export async function main(args: readonly string[], root: string): Promise<number> {
  let options: ReturnType<typeof readOptions>;
  try {
    options = readOptions(args);
  } catch (error) {
    process.stderr.write(`${errorMessage(error)}\nSee npm run doctor -- --help.\n`);
    return 2;
  }
  if (options.help) {
    process.stdout.write(help);
    return 0;
  }
  const { json } = options;
  const findings = await examine(options, root);
  process.stdout.write(json ? `${JSON.stringify({ findings }, undefined, 2)}\n` : lines(findings));
  return findings.some(({ level }) => level === 'error') ? 1 : 0;
}

async function examine(options: ReturnType<typeof readOptions>, root: string): Promise<Finding[]> {
  const { chosen, timeoutMs } = options;
  try {
    const subject = await findSubject(root, options);
    if (subject === undefined) {
      return [finding('configuration', 'not-configured', 'Nothing is configured here yet.')];
    }
    const { env, note } = subject;
    if (note !== undefined) process.stderr.write(`${note}\n`);
    const signal = AbortSignal.timeout(10 * 60_000);
    // Each check listens.
    setMaxListeners(0, signal);
    return await runChecks(chosen, { env, allSecrets: true, signal }, timeoutMs);
  } catch (error) {
    return [finding('configuration', 'check-failed', toCloudError(error).text)];
  }
}

function readOptions(args: readonly string[]) {
  const { values } = parseArgs({
    args: [...args],
    options: {
      secrets: { type: 'string' },
      set: { type: 'string', multiple: true, default: [] },
      deployed: { type: 'string' },
      only: { type: 'string', default: '' },
      timeout: { type: 'string', default: '20' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const names = values.only.split(',').filter((name) => name !== '');
  const unknown = names.find((name) => !checks.some((check) => check.name === name));
  if (unknown !== undefined) throw new Error(`There is no check "${unknown}".`);
  const seconds = Number(values.timeout);
  if (!(seconds > 0)) throw new Error(`--timeout must be seconds, not "${values.timeout}".`);
  const set = values.set.map((pair) => {
    const [, name, value] = /^(\w+)=(.*)$/s.exec(pair) ?? [];
    if (name === undefined) throw new Error(`--set takes name=value, not "${pair}".`);
    return [name, value];
  });
  const chosen = checks.filter(({ name }) => names.length === 0 || names.includes(name));
  return {
    ...values,
    secrets: values.secrets,
    deployed: values.deployed,
    set: Object.fromEntries(set) as Environment,
    chosen,
    timeoutMs: seconds * 1000,
  };
}

function lines(findings: readonly Finding[]): string {
  const count = (level: 'error' | 'warning') => {
    const { length } = findings.filter((one) => one.level === level);
    return `${length} ${level}${length === 1 ? '' : 's'}`;
  };
  const text = findings.map(({ check, code, level, what, why, fix }) => {
    const more =
      level === 'ok' || level === 'skipped' ? '' : ` [${code}]\n    ${why}\n    To do: ${fix}`;
    return `${marks[level]} ${check}: ${what}${more}\n`;
  });
  return `${text.join('')}\n${count('error')}, ${count('warning')}.\n`;
}
