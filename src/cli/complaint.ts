/** A problem that the operator can understand and mend; its message is shown alone, without a stack, and an empty one not at all. */
export class Complaint extends Error {
  override readonly name = 'Complaint'
}
