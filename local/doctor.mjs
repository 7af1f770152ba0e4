import { runBundled } from './run-bundled.mjs';

// `npm run doctor`.
process.exit(await runBundled('doctor'));
