/**
 * The first value of a field. Node's own map of a request's fields is made whole for the first who asks for
 * one, which costs more than several looks through the list.
 *
 * @param raw `request.rawHeaders`: names and values in turn.
 * @param name In lower case.
 */
export function firstHeader(raw: readonly string[], name: string): string | undefined {
  for (let at = 0; at < raw.length; at += 2) {
    const other = raw[at];
    if (other?.length === name.length && other.toLowerCase() === name) return raw[at + 1];
  }
  return undefined;
}
