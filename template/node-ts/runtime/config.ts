import { availableCores } from './available-cores.ts';
import { parseByteSize } from './byte-size.ts';
import { parseDuration } from './duration.ts';

/** What the environment says, read once at start. Times are milliseconds. */
export interface RuntimeConfig {
  /** A port, or the path of a Unix socket. */
  readonly listen: number | string;
  /** A real of-watchdog stands in front (`http_port` is set): it owns the lock file. */
  readonly behindWatchdog: boolean;
  /** A port, or the path of a Unix socket. */
  readonly metricsPort: number | string;
  /** 0 = none. */
  readonly execTimeout: number;
  readonly readTimeout: number;
  readonly writeTimeout: number;
  /** How long requests are still accepted after SIGTERM. */
  readonly drainDelay: number;
  /** 0 = no limit. */
  readonly maxInflight: number;
  /** Processes that take requests; 1 = this one does. */
  readonly workers: number;
  /** `/_/ready` asks the handler at this path. */
  readonly readyPath: string | undefined;
  readonly lockFile: string | undefined;
  /** `event.body` is always the Buffer. */
  readonly rawBody: boolean;
  readonly maxBodyBytes: number;
  readonly maxJsonBytes: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the watchdog's variables.
 *
 * @throws Error that lists every variable that is wrong.
 */
export function readConfig(env: Environment): RuntimeConfig {
  const problems: string[] = [];
  function read<T>(
    name: string,
    fallback: T,
    parse: (text: string) => T | undefined,
    want: string,
  ): T {
    const text = env[name]?.trim();
    if (text === undefined || text === '') return fallback;
    const value = parse(text);
    if (value === undefined) problems.push(`${name}=${text}: must be ${want}`);
    return value ?? fallback;
  }
  const duration = (name: string, fallback: number) =>
    read(name, fallback, parseDuration, 'seconds or a duration such as 1m30s');
  const size = (name: string, fallback: number) =>
    read(name, fallback, parseByteSize, 'a size such as 100kb or 25mb');
  const flag = (name: string) => read(name, false, parseFlag, 'true or false');

  const upstreamPort = read('http_port', undefined, parsePort, 'a port');
  const writeTimeout = duration('write_timeout', 30_000);
  if (writeTimeout === 0) problems.push('write_timeout=0: must be above 0');
  const grace = duration('healthcheck_interval', writeTimeout);
  const maxBodyBytes = size('MAX_RAW_SIZE', 25 * 1024 ** 2);
  const config: RuntimeConfig = {
    listen: upstreamPort ?? read('port', 8080, parseListen, 'a port or the path of a socket'),
    behindWatchdog: upstreamPort !== undefined,
    metricsPort: read<number | string>(
      'metrics_port',
      8081,
      parseMetricsPort,
      'a port, the path of a socket, or off',
    ),
    execTimeout: duration('exec_timeout', 30_000),
    readTimeout: duration('read_timeout', 30_000),
    writeTimeout,
    // The watchdog forwards requests until it exits, which is later than our own grace would end.
    drainDelay: upstreamPort === undefined ? grace : grace + writeTimeout,
    maxInflight: read('max_inflight', 0, parseCount, 'a whole number'),
    workers: read('workers', 1, parseWorkers, 'a whole number from 1 to 64, or auto'),
    readyPath: read(
      'ready_path',
      undefined,
      parsePath,
      'a path that starts with / and not with /_/',
    ),
    lockFile:
      flag('suppress_lock') || upstreamPort !== undefined
        ? undefined
        : `${env['TMPDIR'] || '/tmp'}/.lock`,
    rawBody: flag('RAW_BODY'),
    maxBodyBytes,
    maxJsonBytes: size('MAX_JSON_SIZE', maxBodyBytes),
  };
  if (problems.length > 0) throw new Error(`Wrong configuration: ${problems.join('; ')}.`);
  return config;
}

const parseCount = (text: string) => (/^\d{1,9}$/.test(text) ? Number(text) : undefined);

function parsePort(text: string): number | undefined {
  const port = parseCount(text);
  return port !== undefined && port <= 65_535 ? port : undefined;
}

function parseWorkers(text: string): number | undefined {
  const count = text === 'auto' ? Math.min(availableCores(), 64) : parseCount(text);
  return count !== undefined && count >= 1 && count <= 64 ? count : undefined;
}

const parseListen = (text: string) => (text.includes('/') ? text : parsePort(text));
const parseMetricsPort = (text: string) => (text === 'off' ? 'off' : parseListen(text));
const parsePath = (text: string) => (/^\/(?!_\/)/.test(text) ? text : undefined);

function parseFlag(text: string): boolean | undefined {
  if (/^(?:true|1)$/i.test(text)) return true;
  return /^(?:false|0)$/i.test(text) ? false : undefined;
}
