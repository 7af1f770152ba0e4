/** What {@link build} needs of the esbuild package. */
export interface Bundler {
  build(options: object): Promise<unknown>;
}

/** Options of {@link build}. */
export interface BuildOptions {
  /** The build context: `runtime/`, `tsconfig.json` and `function/` with the handler. */
  readonly contextDir: string;
  /** Where the bundle and the assets go; `dist` in the context unless given. */
  readonly outDir?: string;
  /** The esbuild module, where it is not installed in the context. */
  readonly esbuild?: Bundler;
  /** Check the types of a TypeScript handler, if the `typescript` package is found. Default true. */
  readonly typecheck?: boolean;
  /** Files and folders, relative to `function/`, to copy beside the bundle. `static` always is. */
  readonly assets?: readonly string[];
  /** Takes the lines of the build log; stdout unless given. */
  readonly log?: (line: string) => void;
}

/** The file to use as handler among the names in the function's folder, or `undefined`. */
export function findHandler(names: readonly string[]): string | undefined;

/**
 * Builds a function: finds the handler, checks its types, and bundles it with the runtime into
 * `index.mjs`, to be started as `node index.mjs`. Only what it imports dynamically lies in files beside it.
 *
 * @throws Error whose message is meant for the build log.
 */
export function build(options: BuildOptions): Promise<{ handler: string; entry: string }>;
