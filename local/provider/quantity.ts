const units: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  K: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  // Docker's notation, which faasd takes: 128m is mebibytes there.
  m: 2 ** 20,
  g: 2 ** 30,
};

/**
 * Bytes of a Kubernetes memory quantity such as `128Mi`; `undefined` if it is none.
 *
 * @see https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
 */
export function parseMemory(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)([A-Za-z]{0,2})$/.exec(text.trim());
  const unit = units[match?.[2] ?? '-'];
  if (match?.[1] === undefined || unit === undefined) return undefined;
  return Math.floor(Number(match[1]) * unit);
}

/** Cores of a Kubernetes CPU quantity such as `250m` or `0.5`; `undefined` if it is none. */
export function parseCpu(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(m?)$/.exec(text.trim());
  if (match?.[1] === undefined) return undefined;
  return Number(match[1]) / (match[2] === 'm' ? 1000 : 1);
}
