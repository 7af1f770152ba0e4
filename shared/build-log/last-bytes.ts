/** The last `max` bytes of UTF-8 text, or a few less: a character is never cut in two. */
export function lastBytes(text: Buffer, max: number): Buffer<ArrayBuffer> {
  let start = Math.max(0, text.length - max);
  while (start > 0 && ((text[start] ?? 0) & 0xc0) === 0x80) start += 1;
  return Buffer.from(text.subarray(start));
}
