import type { ServerResponse } from 'node:http';

/** How a build ended. */
export type BuildResult =
  | { status: 'success'; image: string; digest: string }
  | { status: 'failed'; image: string; error: string };

/** Tells the caller how a build goes on. */
export interface BuildAnswer {
  log(line: string): void;
  end(result: BuildResult): void;
}

// Clients read the stream by lines of at most 64 KiB.
const maxLine = 32 * 1024;
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
  const write = (value: object): void => {
    if (!response.writableEnded) response.write(`${JSON.stringify(value)}\n`);
  };
  response.statusCode = 200;
  response.setHeader('content-type', streaming ? 'application/x-ndjson' : 'application/json');

  return {
    log(line) {
      logged += line.length;
      if (logged > maxLogBytes) return;
      for (let at = 0; at === 0 || at < line.length; at += maxLine) {
        const part = line.slice(at, at + maxLine);
        if (streaming) write({ log: [part], status: 'in_progress' });
        else kept.push(part);
      }
    },
    end(result) {
      const duration = (Date.now() - started) / 1000;
      write({ ...(streaming ? {} : { log: kept }), ...limited(result), duration });
      response.end();
    },
  };
}

function limited(result: BuildResult): BuildResult {
  return result.status === 'failed' ? { ...result, error: result.error.slice(0, maxLine) } : result;
}
