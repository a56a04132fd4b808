/**
 * Short-lived values under unguessable keys, each with an expiry. Values are plain JSON, so that another process can
 * hold them. Each method is atomic.
 */
export interface EphemeralStore<Value> {
  /** Replaces the value that was there. @throws Unavailable, also when the store is full. */
  put(key: string, value: Value, ttlMs: number): Promise<void>
  /** Of several simultaneous callers one gets true. @throws Unavailable, also when the store is full. */
  putIfAbsent(key: string, value: Value, ttlMs: number): Promise<boolean>
  /** Never restores a value that was deleted or has expired. @returns false if there was none. @throws Unavailable */
  putIfPresent(key: string, value: Value, ttlMs: number): Promise<boolean>
  /** @throws Unavailable */
  get(key: string): Promise<Value | undefined>
  /** Gets and deletes the value: of several simultaneous callers one gets it. @throws Unavailable */
  take(key: string): Promise<Value | undefined>
  /** @throws Unavailable */
  delete(key: string): Promise<void>
}

/** @param name sets the store's keys apart from those of others; @param capacity bounds a store in memory. */
export type OpenEphemeralStore = <Value>(name: string, capacity: number) => EphemeralStore<Value>
