import { CloudError } from '#shared/errors.ts';
import type { GatewayClient } from '#shared/gateway/gateway-client.ts';
import { type Signer, signatureHeader } from '#shared/messages/signature.ts';

/** Takes the lines of one build log. */
export interface LogSink {
  write(line: string): void;
  /** Sends what is left and marks the log as complete. */
  close(): Promise<void>;
}

/** Which log it is. */
export interface LogName {
  readonly owner: string;
  readonly repo: string;
  readonly sha: string;
  readonly function: string;
  /** Tells one attempt from the next. */
  readonly run: string;
}

/** What of a log is kept; a runaway build must not fill the store. */
const maxLogBytes = 4 * 1024 * 1024;
const maxPartBytes = 64 * 1024;

/**
 * Sends a build log to pipeline-log in parts while the build runs, one request at a time. A part
 * that cannot be sent is dropped: no build fails for want of its log.
 *
 * @param everyMs How long lines are gathered before they are sent.
 */
export function openLogSink(
  gateway: Pick<GatewayClient, 'invoke'>,
  signer: Signer,
  name: LogName,
  everyMs: number,
): LogSink {
  let pending = '';
  let total = 0;
  let seq = 0;
  let sending: Promise<void> = Promise.resolve();

  const send = (text: string, final: boolean): void => {
    const body = JSON.stringify({ ...name, seq: seq++, text, final });
    sending = sending.then(() => post(gateway, signer, body)).catch(() => undefined);
  };
  const flush = (): void => {
    if (pending === '') return;
    send(pending, false);
    pending = '';
  };
  const timer = setInterval(flush, everyMs);

  return {
    write(line) {
      if (total > maxLogBytes) return;
      total += line.length + 1;
      pending += total > maxLogBytes ? '… the log is cut here: it is too long.\n' : `${line}\n`;
      if (pending.length > maxPartBytes) flush();
    },
    async close() {
      clearInterval(timer);
      send(pending, true);
      pending = '';
      await sending;
    },
  };
}

async function post(
  gateway: Pick<GatewayClient, 'invoke'>,
  signer: Signer,
  body: string,
): Promise<void> {
  const receiver = 'pipeline-log';
  const signature = signer.sign({ receiver, method: 'POST', path: '/', body });
  const headers = { [signatureHeader]: signature };
  const { status } = await gateway.invoke(receiver, { method: 'POST', headers, body });
  if (status >= 300) throw new CloudError('OFC_UPSTREAM', `pipeline-log answered ${status}.`);
}
