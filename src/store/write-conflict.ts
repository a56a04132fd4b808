/** Another transaction changed the row in between: this one is undone and tried again. */
export class WriteConflict extends Error {}
