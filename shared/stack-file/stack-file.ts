import type { FunctionKey } from '../names.ts';

/** Memory and CPU as Kubernetes quantities (`128Mi`, `100m`). */
export interface Resources {
  readonly memory?: string;
  readonly cpu?: string;
}

/** One entry of `functions`, validated. Paths are relative, cleaned and below the repo's root. */
export interface StackFunction {
  readonly key: FunctionKey;
  readonly line: number;
  /** The lines of its keys, and of the items of lists and maps as `secrets.db-password`; see {@link lineOf}. */
  readonly lines: ReadonlyMap<string, number>;
  /** The template's name, or `dockerfile` however it was spelled; `''` only with `skipBuild`. */
  readonly lang: string;
  /** The handler's folder, `.` for the root; `''` only with `skipBuild`. */
  readonly handler: string;
  readonly image: string;
  readonly fprocess?: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Files with more variables; see `mergeEnvironment`. */
  readonly environmentFiles: readonly string[];
  readonly secrets: readonly string[];
  readonly constraints: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly limits: Resources;
  readonly requests: Resources;
  readonly readOnlyRootFilesystem: boolean;
  readonly skipBuild: boolean;
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly buildOptions: readonly string[];
  /** Secret id to the path of the file that holds it. */
  readonly buildSecrets: Readonly<Record<string, string>>;
  readonly platforms: readonly string[];
  readonly namespace?: string;
}

/** The line of a key of a function, or of one item below it; of the function where the key is missing. */
export function lineOf(
  { line, lines }: Pick<StackFunction, 'line' | 'lines'>,
  key: string,
  item?: string,
): number {
  return lines.get(`${key}.${item}`) ?? lines.get(key) ?? line;
}

/** Where a template comes from: a git URL, optionally with `#ref`. */
export interface TemplateSource {
  readonly name: string;
  readonly source: string;
  readonly line: number;
}

/** A whole stack file, validated. */
export interface StackFile {
  readonly functions: readonly StackFunction[];
  readonly configuration: {
    readonly templates: readonly TemplateSource[];
    /** Paths that go into every function's context. */
    readonly copy: readonly string[];
  };
  /** What has no effect, with its line, said so that nobody waits for it. */
  readonly warnings: readonly string[];
}
