import type { Call } from './call.ts';

/** Serves one admitted call. Never rejects. */
export type Serve = (call: Call) => Promise<void>;
