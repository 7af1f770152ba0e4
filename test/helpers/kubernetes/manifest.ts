import { parseAllDocuments } from 'yaml';

/** A YAML value as JSON has it. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** An object as the API server would get it. */
export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  [key: string]: unknown;
}

/**
 * The objects of a YAML file, read as kubectl reads it (YAML 1.1).
 *
 * @throws Error if it is no YAML, or an object lacks apiVersion, kind or name.
 */
export function parseManifests(text: string): Manifest[] {
  return parseAllDocuments(text, { version: '1.1', merge: true }).map((document) => {
    const problem = document.errors[0];
    if (problem !== undefined) throw problem;
    // Through JSON: what an alias names twice becomes two values.
    const value = JSON.parse(JSON.stringify(document.toJS())) as Manifest;
    if (!value?.apiVersion || !value.kind) throw new Error('An object lacks apiVersion or kind.');
    if (!value.metadata?.name && !/^(?:Kustomization|Component)$/.test(value.kind)) {
      throw new Error(`A ${value.kind} lacks its name.`);
    }
    return value;
  });
}

/** `Kind namespace/name`, for messages and to compare sets of objects. */
export function idOf({ kind, metadata }: Manifest): string {
  return `${kind} ${metadata.namespace === undefined ? '' : `${metadata.namespace}/`}${metadata.name}`;
}
