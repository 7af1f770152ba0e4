import { errorFields } from './error-fields.ts';
import { createLog, flushLog } from './log.ts';

/**
 * Imported first: whatever nobody caught, from here on, is logged and ends the process with 1. A
 * process that goes on after that, or ends with 0, would be taken for a healthy one.
 */
function crash(thrown: unknown): void {
  createLog().error('The process ends: nobody caught an error.', errorFields(thrown));
  flushLog();
  process.exit(1);
}

process.on('uncaughtException', crash);
process.on('unhandledRejection', crash);
