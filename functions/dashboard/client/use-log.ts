import { useEffect, useState } from 'preact/hooks';

/** What is known of a log. */
export interface LogLines {
  readonly lines: readonly string[];
  /** There will be no more. */
  readonly ended: boolean;
  readonly problem: string | undefined;
}

const none: LogLines = { lines: [], ended: false, problem: undefined };

/** Older lines go, so that a chatty function does not fill the memory of the page. */
const maxLines = 100_000;
const retryMs = 2000;

/** Gathers lines, and hands them on a few times a second, however fast they come. */
function gather(show: (change: (before: LogLines) => LogLines) => void) {
  let waiting: string[] = [];
  const flush = () => {
    if (waiting.length === 0) return;
    const more = waiting;
    waiting = [];
    show((before) => ({
      ...before,
      problem: undefined,
      lines: [...before.lines, ...more].slice(-maxLines),
    }));
  };
  const timer = setInterval(flush, 150);
  return {
    add: (line: string) => waiting.push(line),
    end: (problem?: string) => {
      clearInterval(timer);
      flush();
      show((before) => ({ ...before, ended: problem === undefined, problem }));
    },
    stop: () => clearInterval(timer),
  };
}

/** A build log as it grows: plain text that ends when the build does. */
export function useBuildLog(url: string): LogLines {
  const [log, setLog] = useState(none);
  useEffect(() => {
    setLog(none);
    const stop = new AbortController();
    const lines = gather(setLog);
    const read = async (): Promise<void> => {
      const answer = await fetch(url, { signal: stop.signal });
      if (!answer.ok || answer.body === null)
        throw new Error(answer.statusText || String(answer.status));
      let rest = '';
      for await (const text of textOf(answer.body)) {
        const parts = (rest + text).split('\n');
        rest = parts.pop() ?? '';
        for (const part of parts) lines.add(part);
      }
      if (rest !== '') lines.add(rest);
      lines.end();
    };
    read().catch((error: unknown) => {
      if (!stop.signal.aborted) lines.end(error instanceof Error ? error.message : String(error));
    });
    return () => {
      stop.abort();
      lines.stop();
    };
  }, [url]);
  return log;
}

/** The log of a function, by server-sent events: one JSON line each, without an end. */
export function useFunctionLog(url: string): LogLines {
  const [log, setLog] = useState(none);
  useEffect(() => {
    setLog(none);
    const lines = gather(setLog);
    let source: EventSource;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let newest = '';
    const open = () => {
      // A new connection goes on where the last one ended: the platform ends long ones.
      source = new EventSource(newest === '' ? url : `${url}&since=${encodeURIComponent(newest)}`);
      source.onmessage = ({ data }: MessageEvent<string>) => {
        const { timestamp, text, instance } = JSON.parse(data) as Record<string, string>;
        if (timestamp === undefined || timestamp <= newest) return;
        newest = timestamp;
        lines.add(`${timestamp.slice(0, 19).replace('T', ' ')}  ${instance}  ${text?.trimEnd()}`);
      };
      source.onerror = () => {
        source.close();
        timer = setTimeout(open, retryMs);
      };
    };
    open();
    return () => {
      clearTimeout(timer);
      source.close();
      lines.stop();
    };
  }, [url]);
  return log;
}

/** Not every browser can iterate over a stream. */
async function* textOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield decoder.decode(value, { stream: true });
  }
}
