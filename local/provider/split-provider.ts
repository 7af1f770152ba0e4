import { functionId, type Provider } from './provider.ts';

/**
 * A {@link Provider} that leaves each function to one of two.
 *
 * @param isFirst Whether the function with this id is the first one's.
 * @param isolation What is in force, as a sentence.
 */
export function createSplitProvider(
  first: Provider,
  second: Provider,
  { isFirst, isolation }: { isFirst: (id: string) => boolean; isolation: string },
): Provider {
  const of = (id: string): Provider => (isFirst(id) ? first : second);
  return {
    info: { ...second.info, isolation },
    deploy: (spec, options) => of(functionId(spec)).deploy(spec, options),
    remove: (id) => of(id).remove(id),
    scale: (id, replicas) => of(id).scale(id, replicas),
    status: (id) => of(id).status(id),
    acquire: (id, signal) => of(id).acquire(id, signal),
    logs: (query) => of(query.id).logs(query),
    async close() {
      await Promise.all([first.close(), second.close()]);
    },
  };
}
