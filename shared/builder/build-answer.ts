import type { ServerResponse } from 'node:http';

/** How a build ended. */
export type BuildResult =
  | { status: 'success'; image: string; digest?: string }
  | { status: 'failed'; image: string; error: string };

/** Tells the caller how a build goes on. */
export interface BuildAnswer {
  log(line: string): void;
  end(result: BuildResult): void;
}

// Clients read the stream by lines below 64 KiB, and JSON may need six bytes for a character.
const maxLine = 8 * 1024;
const maxLogBytes = 4 * 2 ** 20;

/**
 * The answer of OpenFaaS's builder: one JSON object per line as things happen, if the client
 * accepts `application/x-ndjson`; else one object with the whole log. Either way the last object
 * has the status `success` or `failed`.
 */
export function openBuildAnswer(response: ServerResponse, streaming: boolean): BuildAnswer {
  const started = Date.now();
  const kept: string[] = [];
  let logged = 0;
  let cut = false;
  const write = (value: object): void => {
    if (!response.writableEnded) response.write(`${JSON.stringify(value)}\n`);
  };
  const keep = (part: string): void => {
    if (streaming) write({ log: [part], status: 'in_progress' });
    else kept.push(part);
  };
  response.statusCode = 200;
  response.setHeader('content-type', streaming ? 'application/x-ndjson' : 'application/json');
  // The caller sees that it is accepted before there is anything to say.
  if (streaming) response.flushHeaders();

  return {
    log(line) {
      logged += line.length;
      if (logged > maxLogBytes) {
        if (!cut) keep('… the log is cut here: it is too long.');
        cut = true;
        return;
      }
      for (const part of partsOf(line)) keep(part);
    },
    end(result) {
      const duration = (Date.now() - started) / 1000;
      write({ ...(streaming ? {} : { log: kept }), ...limited(result), duration });
      response.end();
    },
  };
}

/** Never empty, and cut between characters. */
function partsOf(line: string): string[] {
  if (line.length <= maxLine) return [line];
  return line.match(/[\s\S]{1,8191}(?![\udc00-\udfff])/g) ?? [];
}

function limited(result: BuildResult): BuildResult {
  return result.status === 'failed' ? { ...result, error: result.error.slice(0, maxLine) } : result;
}
