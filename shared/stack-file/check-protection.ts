import { authAnnotation, protections } from '../auth/route-policy.ts';
import type { YamlValue } from './yaml-value.ts';

const own = 'com.openfaas.cloud.';

/** What the platform reads of a tenant's function; all other names that begin so are its own to set. */
const annotations: readonly string[] = [authAnnotation, `${own}async`, `${own}custom-domain`];

/**
 * Finds what was meant to protect a function and does not: nobody should believe a function closed that
 * is open to everyone.
 *
 * @throws CloudError `OFC_STACK_INVALID` with the line, for a value of {@link authAnnotation} that is none,
 * for another name in the platform's name space or one that ends like it, and for the annotation as a label.
 */
export function checkProtection(given: YamlValue | undefined, labels: YamlValue | undefined): void {
  for (const [name, value] of given?.map() ?? []) {
    if (name === authAnnotation) {
      if (protections.has(value.text().trim().toLowerCase())) continue;
      throw value.error(
        `The annotation ${authAnnotation} is ${JSON.stringify(value.text().slice(0, 60))}, which protects nothing that is known.`,
        `Write one of: ${[...protections.keys()].join(', ')}.`,
      );
    }
    if (annotations.includes(name) || !looksLikeOurs(name)) continue;
    throw value.error(
      `The annotation ${JSON.stringify(name.slice(0, 100))} means nothing here.`,
      `The platform reads ${annotations.join(', ')}.`,
    );
  }
  for (const [name, value] of labels?.map() ?? []) {
    if (!looksLikeOurs(name) || !/auth/i.test(name)) continue;
    throw value.error(
      `The label ${JSON.stringify(name.slice(0, 100))} protects nothing.`,
      `Write ${authAnnotation} below "annotations".`,
    );
  }
}

function looksLikeOurs(name: string): boolean {
  const folded = name.trim().toLowerCase();
  return folded.startsWith(own) || /cloud[._-]?auth$/.test(folded);
}
