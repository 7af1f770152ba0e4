import { access, constants, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { parseDockerConfig } from '#shared/buildkit/docker-config.ts';
import { parseDuration } from '#shared/config.ts';
import { CloudError, errorMessage, toCloudError } from '#shared/errors.ts';
import { createLogger, type Logger } from '#shared/log.ts';
import { createAllowedAddresses } from '#shared/notifications/allowed-addresses.ts';
import { formatTimeLine, timeLine } from '#shared/pipeline/time-line.ts';
import { parseImageReference } from '#shared/registry/image-reference.ts';
import { engineChoices } from './platform/choose-engine.ts';
import { listen } from './platform/listen.ts';
import { openLogFile } from './platform/log-file.ts';
import type { MoreScms } from './platform/more-scms.ts';
import { pushSample, samplePath } from './platform/push-sample.ts';
import { otherScmKinds, type ScmAddresses, scmsAt } from './platform/scms-at.ts';
import type { UsersRegistry } from './platform/start-containers.ts';
import { type Platform, type PlatformOptions, startPlatform } from './platform/start-platform.ts';
import { refuseSwallowedOptions } from './platform/swallowed-options.ts';
import type { Isolation } from './provider/sandbox.ts';
import { createSecretStore } from './secrets/secret-store.ts';

const help = `OpenFaaS Cloud on this machine.

Usage: npm start -- [options]

  --port <n>          Port on 127.0.0.1 (default 8080; 0 takes a free one)
  --data <folder>     Where all state is kept (default .openfaas-cloud)
  --no-sample         Do not push the sample repo on the first start
  --customers <file>  Owners who may deploy, one a line (default: everybody on this machine)
  --engine <which>    What runs users' functions: auto, process or docker (default auto: docker if it
                      answers, at DOCKER_HOST or its usual socket)
  --registry <host>   With docker: where users' images go (default: the embedded registry); logins are
                      those of --docker-config <file>
  --templates <urls>  With docker: repos with templates of more languages, separated by commas, each with an
                      optional #ref (default https://github.com/openfaas/templates; none for none)
  --platforms <list>  With docker: what images are built for, such as linux/amd64,linux/arm64 (default:
                      Docker's own; several need its containerd image store)
  --isolation <how>   For processes: auto, bubblewrap or none (default auto: bubblewrap where it works)
  --prometheus <url>  Ask this Prometheus for metrics, which must scrape us (default: our own history)
  --otlp <url>        Send traces to this OpenTelemetry collector, such as http://127.0.0.1:4318
  --notify <hosts>    Hosts and networks to which notifications may go though they are not public, separated by
                      commas, such as localhost
  --s3 <url>          Keep state in this S3 store, whose keys are in <data>/secrets/s3-access-key and
                      s3-secret-key (default: our own store in the data folder)
  --operators <names> Logins of who sees the whole platform on the dashboard, separated by commas (default admin)
  --gitlab <url>      Build pushes to this GitLab too; a token of its API is in <data>/secrets/gitlab-api-token
  --gitea <url>       The same for a Gitea or Forgejo, with gitea-api-token; docs/operators.md has the steps
  --idle <duration>   Stop a function after this long without requests (default 5m; 24h to keep them running)
  --help              This text
`;

/**
 * `npm start`: brings the platform up, pushes the sample once, and runs until Ctrl-C.
 *
 * @param root The project's root folder.
 */
export async function main(args: readonly string[], root: string): Promise<void> {
  const stop = new AbortController();
  let platform: Platform | undefined;
  // Until there is a log file, what goes wrong is said on the terminal alone.
  let log: Logger = createLogger({}, () => undefined);
  try {
    refuseSwallowedOptions(process.env);
    const options = await parseOptions(args, root);
    if (options === 'help') return void process.stdout.write(help);
    // Before anything is made in the data folder.
    await (await listen(createServer(), options.port)).close();
    const logFile = await openLogFile(options.data);
    log = createLogger({}, logFile.write);
    const asked = onStop(() => stop.abort(new CloudError('OFC_TIMEOUT', 'Stopped.')));
    say(`Starting OpenFaaS Cloud; state in ${options.data}, log in ${logFile.path}`);
    platform = await startPlatform({
      ...options,
      scms: await openScms(options),
      log,
      onProgress: (text) => say(`  ✔ ${text}`),
      signal: stop.signal,
    });
    if (options.sample) await sample(platform, options, stop.signal);
    announce(platform, options);
    await asked;
    say(`Stopping… (running functions: ${platform.running()}; Ctrl-C again ends it at once)`);
  } catch (error) {
    if (!stop.signal.aborted) {
      const { text, code, cause } = toCloudError(error);
      log.error(text, { code, cause: cause instanceof Error ? cause.stack : undefined });
      process.stderr.write(
        `${code}: ${text}${cause instanceof Error ? ` (${cause.message})` : ''}\n`,
      );
      process.exitCode = 1;
    }
  }
  await platform?.close();
  if (platform !== undefined && stop.signal.aborted) say('Stopped.');
  // Idle keep-alive sockets of the platform's own clients would hold the process for a while.
  process.exit();
}

interface Options extends Omit<PlatformOptions, 'log' | 'onProgress' | 'signal' | 'scms'> {
  readonly sample: boolean;
  readonly scmAddresses: ScmAddresses;
}

async function parseOptions(args: readonly string[], root: string): Promise<Options | 'help'> {
  const { values } = readArguments(args);
  if (values.help) return 'help';
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw usage(`--port must be a number from 0 to 65535, not "${values.port}".`);
  }
  if (!['auto', 'bubblewrap', 'none'].includes(values.isolation)) {
    throw usage(`--isolation must be auto, bubblewrap or none, not "${values.isolation}".`);
  }
  const engine = engineChoices.find((choice) => choice === values.engine);
  if (engine === undefined) {
    throw usage(`--engine must be ${engineChoices.join(', ')}, not "${values.engine}".`);
  }
  return {
    root,
    engine,
    registry: await readRegistry(values.registry, values['docker-config']),
    templates: values.templates,
    platforms: values.platforms.split(',').filter(Boolean),
    data: resolve(root, values.data),
    port,
    isolation: values.isolation as Isolation,
    idleMs: idleTime(values.idle),
    customers: await existing('--customers', values.customers),
    prometheus: baseUrl('--prometheus', values.prometheus),
    operators: values.operators,
    otlp: baseUrl('--otlp', values.otlp),
    notify: hosts('--notify', values.notify),
    s3: baseUrl('--s3', values.s3),
    scmAddresses: Object.fromEntries(
      otherScmKinds.map((kind) => [kind, scmUrl(`--${kind}`, values[kind])]),
    ),
    sample: !values['no-sample'],
  };
}

function idleTime(text: string): number {
  let ms: number;
  try {
    ms = parseDuration(text, '--idle');
  } catch (error) {
    throw usage(errorMessage(error));
  }
  if (ms > 0) return ms;
  throw usage(`--idle must be longer than 0, such as 30s, or 24h to keep functions running.`);
}

/** As notification_allow, whose mistakes would end a function at its start. */
function hosts(option: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const entries = text.split(',').map((entry) => entry.trim());
  if (entries.includes('')) throw usage(`${option} has an empty entry: "${text}".`);
  try {
    createAllowedAddresses(entries);
  } catch (error) {
    throw usage(`${option}: ${errorMessage(error)}`);
  }
  return text;
}

/** The path of a file that can be read. */
async function existing(option: string, path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  const file = resolve(path);
  await access(file, constants.R_OK).catch((error: unknown) => {
    throw usage(`${option}: the file cannot be read: ${errorMessage(error)}.`);
  });
  return file;
}

function baseUrl(option: string, text: string | undefined): string | undefined {
  if (text === undefined || /^https?:\/\/[\w.-]+(?::\d+)?\/?$/.test(text)) return text;
  throw usage(`${option} must be a URL such as http://127.0.0.1:9090, not "${text}".`);
}

/** After the log file, which says whether the folder can be used at all. */
async function openScms({ scmAddresses, data }: Options): Promise<MoreScms> {
  const folder = join(data, 'secrets');
  return scmsAt(scmAddresses, await createSecretStore({ folder }), folder);
}

/** It may lie below a path, and is compared with what webhooks say. */
function scmUrl(option: string, text: string | undefined): string | undefined {
  if (text === undefined || /^https?:\/\/[\w.-]+(?::\d+)?(?:\/[\w.-]+)*\/?$/.test(text))
    return text;
  throw usage(`${option} must be a URL such as https://git.example.com, not "${text}".`);
}

async function readRegistry(
  url: string | undefined,
  file: string | undefined,
): Promise<UsersRegistry | undefined> {
  if (url === undefined) return undefined;
  // Checked as the name that images will have.
  parseImageReference(`${url.replace(/\/+$/, '')}/image`);
  const text = file === undefined ? '{}' : await readFile(file, 'utf8');
  return { url, logins: parseDockerConfig(text) };
}

function readArguments(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        port: { type: 'string', default: '8080' },
        operators: { type: 'string', default: 'admin' },
        data: { type: 'string', default: '.openfaas-cloud' },
        'no-sample': { type: 'boolean', default: false },
        customers: { type: 'string' },
        engine: { type: 'string', default: 'auto' },
        registry: { type: 'string' },
        'docker-config': { type: 'string' },
        templates: { type: 'string', default: 'https://github.com/openfaas/templates' },
        platforms: { type: 'string', default: '' },
        isolation: { type: 'string', default: 'auto' },
        idle: { type: 'string', default: '5m' },
        prometheus: { type: 'string' },
        otlp: { type: 'string' },
        notify: { type: 'string' },
        s3: { type: 'string' },
        gitlab: { type: 'string' },
        gitea: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    throw usage(error instanceof Error ? error.message : String(error));
  }
}

function usage(problem: string): CloudError {
  return new CloudError('OFC_BAD_REQUEST', problem, { hint: 'See npm start -- --help.' });
}

/** The sample goes out once: when its repo has no deployment yet. */
async function sample(
  { port, records }: Platform,
  { root }: Options,
  signal: AbortSignal,
): Promise<void> {
  const gitUrl = `http://127.0.0.1:${port}/git`;
  const done = await pushSample({ folder: resolve(root, 'local/sample'), gitUrl, records }, signal);
  if (done === 'there already') return;
  say(`\nPushed the sample to ${gitUrl}/${samplePath}.git: ${done.closed?.text}`);
  say(formatTimeLine(timeLine(done)));
  if (done.closed?.state !== 'live') say(`See ${gitUrl}/${samplePath} for what went wrong.`);
}

function announce(
  { port, isolation, credentials }: Platform,
  { scmAddresses, data }: Options,
): void {
  const gateway = `http://127.0.0.1:${port}`;
  const asked = otherScmKinds.filter((kind) => scmAddresses[kind] !== undefined);
  const hooks = asked.map(
    (kind) =>
      `  Hooks:   http://system.localhost:${port}/${kind}-event, with the secret in ${data}/secrets/${kind}-webhook-secret\n`,
  );
  say(`
${isolation}

  Call:    curl "http://alice.localhost:${port}/hello?name=you"
  Push:    git push ${gateway}/git/<owner>/<repo>.git main
  Checks:  ${gateway}/git/
  CLI:     echo ${credentials.password} | faas-cli login --gateway ${gateway} --username ${credentials.user} --password-stdin
${hooks.join('')}
Ready: http://system.localhost:${port}/`);
}

/** Resolves at the first SIGINT or SIGTERM, or when npm is gone; a second signal ends the process at once. */
function onStop(stop: () => void): Promise<void> {
  return new Promise((resolve) => {
    let stopping = false;
    const first = (): void => {
      if (stopping) return;
      stopping = true;
      stop();
      resolve();
      for (const signal of ['SIGINT', 'SIGTERM'] as const)
        process.once(signal, () => process.exit(130));
    };
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, first);
    // npm passes no signal on: when it is ended, its shell goes, and we are left to another parent.
    const parent = process.ppid;
    setInterval(() => process.ppid !== parent && first(), 1000).unref();
  });
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
