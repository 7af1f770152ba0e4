/** More names, and longer ones, are worked out each time: a visitor must not fill the memory. */
const maxNames = 1000;
const maxLength = 64;

/** Keeps what `of` says of a field's name: nearly all requests have the same few names. */
export function byName<T>(of: (name: string) => T): (name: string) => T {
  const known = new Map<string, T>();
  return (name) => {
    let value = known.get(name);
    if (value === undefined) {
      value = of(name);
      if (known.size < maxNames && name.length <= maxLength) known.set(name, value);
    }
    return value;
  };
}
