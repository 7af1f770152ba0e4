const factors: Readonly<Record<string, number>> = { b: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 };

/** Bytes of `100kb`, `1.5mb` or `4096`, the forms the Node templates take; else `undefined`. */
export function parseByteSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*(b|kb|mb|gb)?$/i.exec(text);
  if (match === null) return undefined;
  return Math.floor(Number(match[1]) * (factors[(match[2] ?? 'b').toLowerCase()] ?? 1));
}
