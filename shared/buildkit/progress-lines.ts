import type { Timestamp } from '@bufbuild/protobuf/wkt';
import type { StatusResponse, Vertex, VertexStatus } from './generated/control_pb.ts';

/** Turns what a daemon tells about a build into the lines of a log. */
export interface ProgressLines {
  take(message: StatusResponse): void;
  /** Gives out what has no line end yet. */
  end(): void;
}

interface Step {
  readonly number: number;
  readonly decoder: InstanceType<typeof TextDecoder>;
  /** Output without a line end so far. */
  rest: string;
  named: boolean;
  done: boolean;
}

const maxLineLength = 4096;
/** Downloads tell their progress many times a second. */
const progressMs = 3000;

/**
 * Steps, their progress and their output in the order in which the daemon tells them, each line with its
 * step's number, in the way of `docker build --progress=plain`.
 *
 * @param onLine Gets each line, without its end.
 */
export function createProgressLines(onLine: (line: string) => void): ProgressLines {
  const steps = new Map<string, Step>();
  const lastProgress = new Map<string, number>();

  const stepOf = (digest: string): Step => {
    const known = steps.get(digest);
    if (known !== undefined) return known;
    const number = steps.size + 1;
    const step = { number, decoder: new TextDecoder(), rest: '', named: false, done: false };
    steps.set(digest, step);
    return step;
  };
  const say = (step: Step, text: string): void => {
    onLine(`#${step.number} ${visible(text.slice(0, maxLineLength))}`);
  };
  const flush = (step: Step): void => {
    if (step.rest !== '') say(step, step.rest);
    step.rest = '';
  };

  const takeVertex = (vertex: Vertex): void => {
    const step = stepOf(vertex.digest);
    if (!step.named && (vertex.started !== undefined || vertex.cached)) {
      step.named = true;
      say(step, vertex.name);
    }
    if (step.done || (vertex.completed === undefined && !vertex.cached && vertex.error === ''))
      return;
    // A vertex may be started once more, by another step that needs it.
    step.done = true;
    flush(step);
    if (vertex.error !== '') say(step, `ERROR: ${vertex.error}`);
    else if (vertex.cached) say(step, 'CACHED');
    else say(step, `DONE ${seconds(vertex.started, vertex.completed)}`);
  };

  const takeStatus = (status: VertexStatus): void => {
    const key = `${status.vertex} ${status.ID}`;
    const now = millis(status.timestamp);
    const done = status.completed !== undefined;
    if (!done && now - (lastProgress.get(key) ?? now) < progressMs) {
      if (!lastProgress.has(key)) lastProgress.set(key, now);
      return;
    }
    lastProgress.set(key, now);
    const size = status.total > 0n ? ` ${status.current}/${status.total}` : '';
    const end = done ? ` done ${seconds(status.started, status.completed)}` : '';
    say(stepOf(status.vertex), `${status.ID}${size}${end}`);
  };

  return {
    take({ vertexes, statuses, logs, warnings }) {
      for (const vertex of vertexes) if (vertex.error === '') takeVertex(vertex);
      for (const status of statuses) takeStatus(status);
      for (const { vertex, msg } of logs) {
        const step = stepOf(vertex);
        const text = step.rest + step.decoder.decode(msg, { stream: true });
        const lines = text.split(/\r?\n/);
        step.rest = lines.pop() ?? '';
        for (const line of lines) say(step, line);
        if (step.rest.length > maxLineLength) flush(step);
      }
      for (const warning of warnings) {
        say(stepOf(warning.vertex), `WARNING: ${Buffer.from(warning.short).toString('utf8')}`);
      }
      // The output that explains an error comes before it.
      for (const vertex of vertexes) if (vertex.error !== '') takeVertex(vertex);
    },
    end: () => steps.forEach(flush),
  };
}

/** What a terminal would obey is left out; of a line that is overwritten the last state counts. */
function visible(text: string): string {
  return text
    .replace(/\u001b\[[0-9;?]*[ -/]*[@-~]|\u001b[^[]?/g, '')
    .replace(/^[\s\S]*\r(?=[\s\S])/, '')
    .replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, '')
    .trimEnd();
}

function millis(time: Timestamp | undefined): number {
  return time === undefined ? 0 : Number(time.seconds) * 1000 + time.nanos / 1e6;
}

function seconds(from: Timestamp | undefined, to: Timestamp | undefined): string {
  return `${(Math.max(0, millis(to) - millis(from)) / 1000).toFixed(1)}s`;
}
