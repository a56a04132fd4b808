/** Somebody else was faster: what the transaction has written so far is undone, and it is tried again. */
export class Overtaken extends Error {}
