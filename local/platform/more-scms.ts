import type { ScmKind } from '#shared/scm/scm-id.ts';
import type { SecretStore } from '../secrets/secret-store.ts';

/** SCMs beside the embedded git server. */
export interface MoreScms {
  readonly kinds: readonly ScmKind[];
  /** The variables that say where they are. */
  readonly environment: Readonly<Record<string, string>>;
  readonly secrets: Readonly<Record<string, string>>;
  /** Which function gets which of the secrets, beside what stack.yml says. */
  readonly moreSecrets: Readonly<Record<string, readonly string[]>>;
}

/** Writes the secrets of further SCMs. */
export async function writeScmSecrets(
  store: SecretStore,
  secrets: MoreScms['secrets'] = {},
): Promise<void> {
  const present = new Set(await store.list());
  for (const [name, value] of Object.entries(secrets)) {
    const bytes = Buffer.from(value);
    await (present.has(name) ? store.update(name, bytes) : store.create(name, bytes));
  }
}
