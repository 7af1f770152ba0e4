/** A flush packet: the end of what a side band carries. */
const flush = '0000';

/**
 * Puts lines into the answer to a push that git shows after `remote:`. A client that asked for no side band, and so
 * cannot show them, gets its answer as it is.
 *
 * @param answer What `git receive-pack` wrote.
 * @see https://git-scm.com/docs/protocol-capabilities#_side_band_side_band_64k
 */
export function withProgress(answer: Buffer, lines: readonly string[]): Buffer {
  const band = answer[4];
  const end = answer.length - flush.length;
  const isBanded = band === 1 || band === 2;
  if (lines.length === 0 || !isBanded || answer.toString('latin1', end) !== flush) return answer;
  const packets = lines.map((line) => {
    const body = Buffer.from(`\x02${line}\n`);
    return Buffer.concat([Buffer.from((body.length + 4).toString(16).padStart(4, '0')), body]);
  });
  return Buffer.concat([answer.subarray(0, end), ...packets, Buffer.from(flush)]);
}
