/** A broker that serves by these records, as it says of itself. */
export interface ServingBroker {
  /** The same after a restart: its host, and the folder that no two brokers have. */
  readonly name: string
  readonly version: string
  /** When it last said so, in wall milliseconds of the database. */
  readonly seenAt: number
  /** How far its clock is ahead of the database's, in milliseconds; negative: behind. */
  readonly aheadMs: number
  /** Digests of its keys; the first one seals. */
  readonly keys: readonly string[]
  /** A digest of its policies. */
  readonly policies: string
  /** A digest of its pools. */
  readonly pools: string
}

export interface ServingBrokerStore {
  list(): Promise<readonly ServingBroker[]>
  /** In place of what the broker said before. */
  note(broker: ServingBroker): Promise<void>
  /** Of a broker that ends. */
  remove(name: string): Promise<void>
  /** Those that were not heard since, by the database's clock. @returns how many. */
  forget(before: number): Promise<number>
  /** The database's wall clock, in milliseconds; undefined where it is this machine's. */
  time(): Promise<number | undefined>
}
