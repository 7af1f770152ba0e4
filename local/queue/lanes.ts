interface Lane {
  readonly waiting: Set<string>;
  running: number;
}

/** Which entry goes next, with a limit for all together and for each lane. */
export interface Lanes {
  /** Puts an entry at the end of its lane; one that waits already stays where it is. */
  add(lane: string, id: string): void;
  /** The next entry, from the lanes in turn; `undefined` while nothing may start. */
  take(): { lane: string; id: string } | undefined;
  /** An entry of this lane has ended. */
  done(lane: string): void;
  waiting(): number;
  running(): number;
}

/**
 * Makes {@link Lanes}: one lane per function, so that one which is slow or busy does not hold up
 * the others.
 */
export function createLanes(limits: { total: number; perLane: number }): Lanes {
  const lanes = new Map<string, Lane>();
  let running = 0;
  return {
    add(name, id) {
      const lane = lanes.get(name) ?? { waiting: new Set(), running: 0 };
      lanes.set(name, lane);
      lane.waiting.add(id);
    },
    take() {
      if (running >= limits.total) return undefined;
      for (const [name, lane] of lanes) {
        const [id] = lane.waiting;
        if (id === undefined || lane.running >= limits.perLane) continue;
        lane.waiting.delete(id);
        lane.running++;
        running++;
        // To the end of the map: the other lanes have their turn first.
        lanes.delete(name);
        lanes.set(name, lane);
        return { lane: name, id };
      }
      return undefined;
    },
    done(name) {
      const lane = lanes.get(name);
      if (lane === undefined) return;
      lane.running--;
      running--;
      if (lane.running === 0 && lane.waiting.size === 0) lanes.delete(name);
    },
    waiting: () => [...lanes.values()].reduce((sum, lane) => sum + lane.waiting.size, 0),
    running: () => running,
  };
}
