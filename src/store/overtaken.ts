import { UniqueViolation } from './unique-violation.ts'

/** Thrown in the transaction of a list that no longer fits the records, so that nothing of it stays. */
export class Overtaken extends Error {
  override readonly name = 'Overtaken'
}

/** What became of the transaction of a list: `overtaken` where it no longer fitted, or another took the same name first. */
export async function unlessOvertaken(list: Promise<void>): Promise<'done' | 'overtaken'> {
  try {
    await list
    return 'done'
  } catch (error) {
    if (error instanceof Overtaken || error instanceof UniqueViolation) return 'overtaken'
    throw error
  }
}
