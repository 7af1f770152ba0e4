import { CloudError } from '../errors.ts';
import { readYaml } from './read-yaml.ts';
import { readRelativePath } from './relative-path.ts';

/** A template's `template.yml`. */
export interface TemplateYml {
  readonly language: string;
  readonly fprocess: string;
  readonly buildOptions: readonly { readonly name: string; readonly packages: readonly string[] }[];
  readonly welcomeMessage: string;
  /** Where the handler goes inside the context: `function` unless the template says otherwise. */
  readonly handlerFolder: string;
  readonly mountSsh: boolean;
}

/**
 * Reads a `template.yml`. Unknown keys are ignored.
 *
 * @throws CloudError `OFC_TEMPLATE` with file and line
 */
export function parseTemplateYml(text: string, fileName = 'template.yml'): TemplateYml {
  const fields = readYaml(text, { fileName, code: 'OFC_TEMPLATE' }).map();
  const folder = fields.get('handler_folder');
  return {
    language: fields.get('language')?.text() ?? '',
    fprocess: fields.get('fprocess')?.text() ?? '',
    buildOptions: (fields.get('build_options')?.list() ?? []).map((option) => {
      const entries = option.map();
      return {
        name: entries.get('name')?.text() ?? '',
        packages: (entries.get('packages')?.list() ?? []).map((item) => item.text()),
      };
    }),
    welcomeMessage: fields.get('welcome_message')?.text() ?? '',
    handlerFolder: folder && folder.text() !== '' ? readRelativePath(folder) : 'function',
    mountSsh: fields.get('mount_ssh')?.flag() ?? false,
  };
}

/**
 * The build argument `ADDITIONAL_PACKAGE`: the packages of the chosen options and the user's own, each
 * once, sorted, joined by spaces.
 *
 * @throws CloudError `OFC_STACK_INVALID` for an option the template does not have
 */
export function additionalPackages(
  template: TemplateYml,
  options: readonly string[],
  own = '',
): string {
  const packages = new Set(own.split(/\s+/).filter(Boolean));
  for (const name of options) {
    const option = template.buildOptions.find((candidate) => candidate.name === name);
    if (!option) {
      const known = template.buildOptions.map((candidate) => candidate.name).join(', ');
      throw new CloudError(
        'OFC_STACK_INVALID',
        `The build option ${JSON.stringify(name)} is unknown.`,
        {
          hint: known === '' ? 'This template has none.' : `This template has: ${known}.`,
        },
      );
    }
    for (const item of option.packages) packages.add(item);
  }
  return [...packages].sort().join(' ');
}
