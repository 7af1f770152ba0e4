import { useEffect, useMemo, useState } from 'preact/hooks';
import { createSeenLines } from './seen-lines.ts';

/** What is known of a log. */
interface Log<Line> {
  readonly lines: readonly Line[];
  /** There will be no more. */
  readonly ended: boolean;
  readonly problem: string | undefined;
}

export type LogLines = Log<string>;

const none: LogLines = { lines: [], ended: false, problem: undefined };

/** Older lines go, so that a chatty function does not fill the memory of the page. */
const maxLines = 100_000;
const retryMs = 2000;

/** Gathers lines, and hands them on a few times a second, however fast they come. */
function gather<Line>(show: (change: (before: Log<Line>) => Log<Line>) => void) {
  let waiting: Line[] = [];
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
    add: (line: Line) => waiting.push(line),
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
    const lines = gather<string>(setLog);
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

/** A line of a function's log, and the replica it is of. */
interface InstanceLine {
  readonly instance: string;
  readonly text: string;
}

/**
 * The log of a function, by server-sent events: one JSON line each, without an end.
 *
 * @param instance Only lines of this replica are shown; empty: of all.
 */
export function useFunctionLog(
  url: string,
  instance: string,
): LogLines & { readonly instances: readonly string[] } {
  const [log, setLog] = useState<Log<InstanceLine>>({ ...none, lines: [] });
  useEffect(() => {
    setLog({ ...none, lines: [] });
    const lines = gather(setLog);
    let source: EventSource;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const seen = createSeenLines();
    const open = () => {
      // A new connection goes on where the last one ended: the platform ends long ones.
      const newest = seen.newest();
      const from = newest === '' ? url : `${url}&since=${encodeURIComponent(newest)}`;
      const isNew = seen.connect();
      source = new EventSource(from);
      source.onmessage = ({ data }: MessageEvent<string>) => {
        const line = JSON.parse(data) as Record<string, string>;
        const { timestamp, instance = '' } = line;
        if (timestamp === undefined || !isNew(timestamp)) return;
        const time = timestamp.slice(0, 19).replace('T', ' ');
        lines.add({ instance, text: `${time}  ${instance}  ${line['text']?.trimEnd()}` });
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
  const instances = useMemo(
    () => [...new Set(log.lines.map((line) => line.instance))].sort(),
    [log.lines],
  );
  const lines = useMemo(
    () =>
      log.lines
        .filter((line) => instance === '' || line.instance === instance)
        .map(({ text }) => text),
    [log.lines, instance],
  );
  return { ...log, lines, instances };
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
