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
const maxLogLength = 4 * 1024 * 1024;
/** Below what pipeline-log takes, even if JSON needs six bytes for each character. */
const maxPartLength = 64 * 1024;
const postTimeoutMs = 5000;

/**
 * Sends a build log to pipeline-log in parts while the build runs, one request at a time. A part
 * that cannot be sent is dropped: no build fails, or waits for long, for want of its log.
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
  let closing = false;
  let sending: Promise<void> | undefined;

  const sendPart = async (final: boolean): Promise<void> => {
    const text = pending.slice(0, maxPartLength);
    pending = pending.slice(maxPartLength);
    const body = JSON.stringify({ ...name, seq: seq++, text, final });
    try {
      await post(gateway, signer, body);
    } catch {
      // The end is what matters most, and nobody waits for parts that will not go either.
      if (closing) pending = pending.slice(-maxPartLength);
    }
  };
  const sendParts = async (): Promise<void> => {
    while (pending.length > (closing ? maxPartLength : 0)) await sendPart(false);
  };
  const flush = (): void => {
    sending ??= sendParts().finally(() => {
      sending = undefined;
    });
  };
  const timer = setInterval(flush, everyMs);

  return {
    write(line) {
      if (total > maxLogLength) return;
      total += line.length + 1;
      pending += total > maxLogLength ? '… the log is cut here: it is too long.\n' : `${line}\n`;
      if (pending.length > maxPartLength) flush();
    },
    async close() {
      clearInterval(timer);
      closing = true;
      await sending;
      await sendParts();
      await sendPart(true);
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
  const { status } = await gateway.invoke(receiver, {
    method: 'POST',
    headers,
    body,
    timeoutMs: postTimeoutMs,
  });
  if (status >= 300) throw new CloudError('OFC_UPSTREAM', `pipeline-log answered ${status}.`);
}
