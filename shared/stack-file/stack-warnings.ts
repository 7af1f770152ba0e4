import type { StackWarning } from './stack-file.ts';
import type { YamlValue } from './yaml-value.ts';

const maxWarnings = 100;

/** Collects what a stack file says in vain. */
export class StackWarnings {
  readonly all: StackWarning[] = [];

  /** Notes the keys of `fields` that nobody reads. */
  unknownKeys(fields: ReadonlyMap<string, YamlValue>, known: readonly string[]): void {
    for (const [key, value] of fields) {
      if (!known.includes(key))
        this.add(value, `the key ${JSON.stringify(key)} is unknown and ignored.`);
    }
  }

  add(value: YamlValue, message: string): void {
    if (this.all.length < maxWarnings) this.all.push({ line: value.line, message });
  }
}
