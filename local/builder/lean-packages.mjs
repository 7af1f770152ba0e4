import { readFile } from 'node:fs/promises';

const neverUsed = [
  // Requests go through `node:http`; this adapter is only made, at the import.
  {
    path: /\/axios\/lib\/adapters\/fetch\.js$/,
    instead: 'export const getFetch = () => undefined;',
  },
  // Forms are sent as URLSearchParams; a list of all media types comes with the other kind.
  { path: /\/axios\/lib\/platform\/node\/classes\/FormData\.js$/, instead: 'export default null;' },
];

/**
 * Bundles packages without parts that the platform never uses and pays for at each start:
 *
 * - axios looks at the global `fetch` and `FormData` when it is imported, upon which Node compiles the whole
 *   of its own undici;
 * - the S3 client brings all ways in which AWS finds credentials, and we always give them.
 */
export const leanPackages = {
  name: 'lean-packages',
  setup(build) {
    for (const { path, instead } of neverUsed) {
      build.onLoad({ filter: path }, () => ({ contents: instead, loader: 'js' }));
    }
    build.onLoad({ filter: /\/axios\/lib\/utils\.js$/ }, async ({ path }) => ({
      contents: (await readFile(path, 'utf8')).replaceAll('G.FormData', 'undefined'),
      loader: 'js',
    }));
    build.onResolve({ filter: /^@aws-sdk\/credential-provider-node$/ }, ({ importer, path }) =>
      /\/@aws-sdk\/client-s3\//.test(importer) ? { path, namespace: 'no-credentials' } : undefined,
    );
    build.onLoad({ filter: /.*/, namespace: 'no-credentials' }, () => ({
      contents:
        'export const defaultProvider = () => async () => { throw new Error("No credentials were given."); };',
      loader: 'js',
    }));
  },
};
