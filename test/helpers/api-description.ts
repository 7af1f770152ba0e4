import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { expect } from 'chai';

interface Operation {
  readonly parameters?: readonly { readonly name: string; readonly required: boolean }[];
  readonly requestBody?: object;
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: object }>> }>
  >;
}

/** An OpenAPI document, as far as tests look at it. */
export interface ApiDescription {
  readonly openapi: string;
  readonly servers: readonly { readonly url: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

/** Compares answers with a description, and remembers which operations it has seen. */
export function createAnswerCheck(description: ApiDescription) {
  const ajv = new Ajv2020({ strict: true, allErrors: true });
  const validators = new Map<string, ValidateFunction>();
  for (const [path, methods] of Object.entries(description.paths)) {
    for (const [method, { responses }] of Object.entries(methods)) {
      const schema = responses['200']?.content?.['application/json']?.schema;
      if (schema !== undefined) validators.set(`${method} ${path}`, ajv.compile(schema));
    }
  }
  const seen = new Set<string>();
  return {
    /** @throws AssertionError if a JSON answer is not what the description says. */
    check(method: string, path: string, answer: unknown): void {
      const name = `${method.toLowerCase()} ${path.split('?')[0]}`;
      const validate = validators.get(name);
      expect(validate, `${name} is not described`).to.not.equal(undefined);
      const valid = validate?.(answer);
      expect(valid, `${name}: ${ajv.errorsText(validate?.errors)}`).to.equal(true);
      seen.add(name);
    },
    /** The operations with JSON answers, or those of which one was checked. */
    described: (): string[] => [...validators.keys()],
    seen: (): string[] => [...seen],
  };
}
