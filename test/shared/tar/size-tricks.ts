/** Sizes that a tar header can have and no file. */
export const sizeTricks: Readonly<Record<string, readonly number[]>> = {
  'that is huge in base 256': [0x80, ...Array<number>(10).fill(0xff), 0],
  'that is negative in base 256': [...Array<number>(11).fill(0xff), 0],
  'in no base': [0x81, ...Array<number>(11).fill(0x30)],
  'of letters': [...'zzzzzzzzzzz'].map((letter) => letter.charCodeAt(0)),
  'with a sign': [...'-0000000001'].map((letter) => letter.charCodeAt(0)),
};

/** Sets size and type of the header at the begin of `tar`, and its checksum. */
export function setSize(tar: Buffer, size: readonly number[], type: string): void {
  tar.set(size, 124);
  tar.write(type, 156);
  tar.fill(' ', 148, 156);
  const sum = tar.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  tar.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
}
