import type { Call } from './call.ts';

/** Serves one admitted call, at once or later. Never throws or rejects. */
export type Serve = (call: Call) => void;
