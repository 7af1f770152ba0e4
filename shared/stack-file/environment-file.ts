import { readYaml } from './read-yaml.ts';

/**
 * Reads a file named by `environment_file`: YAML with a map `environment`. `${…}` is not replaced in it.
 *
 * @throws CloudError `OFC_STACK_INVALID` with file and line
 */
export function parseEnvironmentFile(
  text: string,
  { fileName }: { fileName: string },
): Record<string, string> {
  const root = readYaml(text, { fileName, code: 'OFC_STACK_INVALID' });
  const entries = root.map().get('environment')?.map() ?? [];
  return Object.fromEntries(
    Array.from(entries, ([name, value]) => {
      if (!/^[-._A-Za-z][-._A-Za-z0-9]*$/.test(name)) {
        throw value.error(
          `The variable name ${JSON.stringify(name.slice(0, 100))} cannot be used.`,
        );
      }
      return [name, value.text()] as const;
    }),
  );
}

/** What a function gets: its `environment`, then each file in order; a later one wins. */
export function mergeEnvironment(
  environment: Readonly<Record<string, string>>,
  files: readonly Readonly<Record<string, string>>[],
): Record<string, string> {
  return Object.fromEntries([environment, ...files].flatMap((source) => Object.entries(source)));
}
