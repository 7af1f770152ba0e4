import { errorMessage } from '#shared/errors.ts';
import type { GatewayClient } from '#shared/gateway/gateway-client.ts';
import type { Logger } from '#shared/log.ts';

/** Longer than a claim outlives its holder: see `holdClaim`. */
const takeUpMs = 12_000;

/** Has garbage-collect take up what an earlier run left in the middle, before its schedule does. */
export function takeUpSoon(client: GatewayClient, log: Logger): { close(): Promise<void> } {
  const timer = setTimeout(() => {
    client.invokeAsync('garbage-collect', '').catch((error: unknown) => {
      log.warn('No sweep after the start.', { error: errorMessage(error) });
    });
  }, takeUpMs);
  return { close: async () => clearTimeout(timer) };
}
