import { CloudError } from '#shared/errors.ts';

/** Options of ours that mean nothing to npm; those that do, such as `--registry`, are left out. */
const ours = [
  'port',
  'data',
  'sample',
  'engine',
  'customers',
  'isolation',
  'idle',
  'operators',
  'templates',
  'platforms',
  'prometheus',
  'otlp',
  'notify',
  's3',
  'gitlab',
  'gitea',
];

/**
 * Finds options that npm took for its own, as it does with `npm start --port 1`: it hands them on as variables.
 *
 * @throws CloudError `OFC_BAD_REQUEST` that names them.
 */
export function refuseSwallowedOptions(environment: Readonly<NodeJS.ProcessEnv>): void {
  if (environment['npm_lifecycle_event'] !== 'start') return;
  const taken = ours.filter((name) => environment[`npm_config_${name}`] !== undefined);
  if (taken.length === 0) return;
  const options = taken.map((name) => (name === 'sample' ? '--no-sample' : `--${name}`));
  throw new CloudError('OFC_BAD_REQUEST', `npm took ${options.join(', ')} for its own.`, {
    hint: `Put "--" before the options: npm start -- ${options.join(' … ')}.`,
  });
}
