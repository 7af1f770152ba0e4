import type {
  CloseHandler,
  Handler,
  InitHandler,
  MetricsHandler,
  RawHandler,
  UpgradeHandler,
} from '../function/types.ts';

/** What a handler file exports, in one of the two forms. */
export interface PickedHandler {
  readonly handler:
    | { readonly kind: 'classic'; readonly handle: Handler }
    | { readonly kind: 'raw'; readonly handle: RawHandler };
  readonly upgrade: UpgradeHandler | undefined;
  readonly init: InitHandler | undefined;
  readonly metrics: MetricsHandler | undefined;
  readonly close: CloseHandler | undefined;
}

type Exports = Readonly<Record<string, unknown>>;

/**
 * Finds the handler among the exports of a handler file: `raw`, else the default export. CommonJS
 * files (`module.exports = …`, `exports.default = …`) arrive below `default`.
 *
 * @throws Error if there is neither.
 */
export function pickHandler(module: Exports): PickedHandler {
  const outer = module['default'];
  const inner = isExports(outer) ? outer : {};
  const find = <T>(name: string): T | undefined => {
    const found = module[name] ?? inner[name];
    if (found === undefined) return undefined;
    if (typeof found !== 'function') throw new Error(`The export "${name}" is not a function.`);
    return found as T;
  };
  const raw = find<RawHandler>('raw');
  const classic = typeof outer === 'function' ? (outer as Handler) : inner['default'];
  if (raw === undefined && typeof classic !== 'function') {
    throw new Error(
      'The handler file exports no function: neither as default nor as "raw". Write "export default async (event, context) => …", or "module.exports = …" in CommonJS.',
    );
  }
  return {
    handler:
      raw === undefined
        ? { kind: 'classic', handle: classic as Handler }
        : { kind: 'raw', handle: raw },
    upgrade: find<UpgradeHandler>('upgrade'),
    init: find<InitHandler>('init'),
    metrics: find<MetricsHandler>('metrics'),
    close: find<CloseHandler>('close'),
  };
}

const isExports = (value: unknown): value is Exports =>
  (typeof value === 'object' || typeof value === 'function') && value !== null;
