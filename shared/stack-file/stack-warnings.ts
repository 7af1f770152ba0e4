import type { EmptyVariable } from './envsubst.ts';
import type { YamlValue } from './yaml-value.ts';

const maxWarnings = 100;
const maxName = 100;

/** Collects what a stack file says in vain. */
export class StackWarnings {
  readonly all: string[] = [];

  /** Notes the keys of `fields` that nobody reads. */
  unknownKeys(fields: ReadonlyMap<string, YamlValue>, known: readonly string[]): void {
    for (const [key, value] of fields) {
      if (known.includes(key) || this.all.length >= maxWarnings) continue;
      this.all.push(value.message(`the key ${JSON.stringify(key)} is unknown and ignored.`));
    }
  }

  /**
   * Notes the variables of the file that are empty: once for each function, or once for the rest of the file.
   *
   * @param functionAt The function that a line belongs to.
   */
  emptyVariables(
    variables: readonly EmptyVariable[],
    fileName: string,
    functionAt: (line: number) => string | undefined,
  ): void {
    const noted = new Set<string>();
    for (const { name: whole, line } of variables) {
      if (this.all.length >= maxWarnings) return;
      const name = whole.slice(0, maxName);
      const fn = functionAt(line);
      const once = `${name} ${fn}`;
      if (noted.has(once)) continue;
      noted.add(once);
      const where = fn === undefined ? '' : ` of the function ${JSON.stringify(fn)}`;
      this.all.push(
        `${fileName} line ${line}: \`\${${name}}\`${where} is empty: a push has no variables. ` +
          `Write \`\${${name}:-value}\` for a value, \`\${${name}:-}\` if it is meant.`,
      );
    }
  }
}
