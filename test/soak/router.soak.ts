/**
 * Mixed load through of-router while functions are updated, removed and crash, of-auth is killed and
 * the gateway stopped, over and over. Run: `npx tsx test/soak/router.soak.ts [seconds]` (default 600).
 * Ends with 1 if an answer was wrong, anything was let through, or memory grew.
 */
import { runRouterSoak } from './run-router-soak.ts';

const seconds = Number(process.argv[2] ?? 600);
const report = await runRouterSoak(seconds, (line) => console.log(line));
console.log(JSON.stringify(report, undefined, 2));
process.exit(report.problems.length === 0 ? 0 : 1);
