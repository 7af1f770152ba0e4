/** Tells lines of a log that were shown from those that were not, over several connections. */
export interface SeenLines {
  /** The newest time seen; empty if there is none. A new connection goes on from there. */
  readonly newest: () => string;
  /** Begins a connection; what it gives says of each line's time in turn whether the line is new. */
  readonly connect: () => (time: string) => boolean;
}

/**
 * Makes {@link SeenLines}. Several lines can have the same time, and lines of two replicas need not come in order:
 * only what a connection sends again, from where the last one ended, was there before.
 */
export function createSeenLines(): SeenLines {
  let newest = '';
  /** Lines of the newest time. */
  let count = 0;
  return {
    newest: () => newest,
    connect() {
      const from = newest;
      let again = count;
      return (time) => {
        if (time < from) return false;
        if (time === from && again > 0) {
          again -= 1;
          return false;
        }
        if (time === newest) count += 1;
        else if (time > newest) [newest, count] = [time, 1];
        return true;
      };
    },
  };
}
