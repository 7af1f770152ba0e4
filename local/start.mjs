import { runBundled } from './run-bundled.mjs';

// `npm start`.
await runBundled('main');
