/**
 * State that passes: values under unguessable keys, each with an end. Values are plain JSON, so that a store of
 * another process can keep them; each method is one step that nothing comes between.
 */
export interface PassingStore<Value> {
  /** Puts the value in the place of whatever was there. @throws Unavailable, also where there is no room. */
  put(key: string, value: Value, ttlMs: number): Promise<void>
  /** Of any number of simultaneous callers one gets true. @throws Unavailable, also where there is no room. */
  putIfAbsent(key: string, value: Value, ttlMs: number): Promise<boolean>
  /** Never brings back what was deleted or has ended. @returns false where there was nothing. @throws Unavailable */
  putIfPresent(key: string, value: Value, ttlMs: number): Promise<boolean>
  /** @throws Unavailable */
  get(key: string): Promise<Value | undefined>
  /** Takes it out: of any number of simultaneous takers one gets it. @throws Unavailable */
  take(key: string): Promise<Value | undefined>
  /** @throws Unavailable */
  delete(key: string): Promise<void>
}

/** Opens a store of passing state. `name` sets it apart from the others; `capacity` bounds it where memory holds it. */
export type OpenPassing = <Value>(name: string, capacity: number) => PassingStore<Value>
