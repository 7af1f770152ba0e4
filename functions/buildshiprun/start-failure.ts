import { inRepo } from '#shared/build-log/in-repo.ts';

/** Lines of one message, before its stack, and frames of the stack in the function's own files. */
const maxHead = 8;
const maxFrames = 3;

/**
 * What a function said before it ended, for a check: of a JSON log line, as our runtime and others write
 * them, the error and where in the function's own files it arose, in paths of the repo. Other lines stay.
 *
 * @param handler The handler's folder in the repo; `undefined` if it is not known.
 * @example
 * readableFailure('It exited with code 1.\n{"error":"boom","stack":"Error: boom\\n    at /f/function/handler.ts:1:7"}', 'greet')
 * // 'It exited with code 1.\nError: boom\n    at greet/handler.ts:1:7'
 */
export function readableFailure(failure: string, handler: string | undefined): string {
  const lines = failure.split('\n').map((line) => fromLog(line) ?? line);
  return inRepo(withoutPrefix(lines.join('\n').trimEnd()), handler);
}

function fromLog(line: string): string | undefined {
  const fields = parseObject(line);
  const [error, stack, message] = ['error', 'stack', 'message'].map((name) => fields?.[name]);
  if (typeof stack === 'string') return shortStack(stack);
  return [error, message].find((text) => typeof text === 'string');
}

function shortStack(stack: string): string {
  const lines = stack.split('\n');
  const isFrame = (line: string): boolean => /^\s+at /.test(line);
  const first = lines.findIndex(isFrame);
  const head = lines.slice(0, first === -1 ? lines.length : first);
  const own = lines.filter((line) => isFrame(line) && /\bfunction\/(?!node_modules\/)/.test(line));
  return [...head.slice(0, maxHead), ...own.slice(0, maxFrames)].join('\n');
}

/** Where the function's folder lies in its container, or lay in its build, says nothing to who wrote it. */
function withoutPrefix(text: string): string {
  return text.replace(/[^\s()'"]*\/function\/(?=[^\s:()'"]+:\d)/g, (prefix) =>
    prefix.includes('node_modules') ? prefix : 'function/',
  );
}

function parseObject(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const parsed: unknown = JSON.parse(line);
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : undefined;
  } catch {
    return undefined;
  }
}
