/** Thrown in the transaction of a list that no longer fits the records, so that nothing of it stays. */
export class Overtaken extends Error {
  override readonly name = 'Overtaken'
}
