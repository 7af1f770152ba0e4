import type { YamlValue } from './yaml-value.ts';

const maxWarnings = 100;

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
}
