/** Counts builds that run, in all and of each owner. */
export interface OwnerSlots {
  /** Takes a slot and gives what frees it again; `undefined` if there is none. */
  take(owner: string): (() => void) | undefined;
}

/** Makes {@link OwnerSlots}: at most `max` in all, and `perOwner` of one owner. */
export function createOwnerSlots(max: number, perOwner: number): OwnerSlots {
  const running = new Map<string, number>();
  let all = 0;
  return {
    take(owner) {
      const own = running.get(owner) ?? 0;
      if (all >= max || own >= perOwner) return undefined;
      all += 1;
      running.set(owner, own + 1);
      return () => {
        all -= 1;
        const left = (running.get(owner) ?? 1) - 1;
        if (left > 0) running.set(owner, left);
        else running.delete(owner);
      };
    },
  };
}
