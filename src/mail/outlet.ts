/** A mail as it leaves: addresses and words, not yet encoded. */
export interface Letter {
  /** With which every try of the mail is the same mail, without brackets. */
  readonly messageId: string
  readonly date: Date
  readonly from: { readonly name?: string; readonly address: string }
  /** One address. */
  readonly to: string
  readonly subject: string
  readonly text: string
  readonly html: string
  readonly pictures: readonly { readonly cid: string; readonly name: string; readonly png: Buffer }[]
}

/** The way by which mails leave. */
export interface Outlet {
  /**
   * Resolves when somebody else has taken the mail, with what they said.
   * @throws NotTaken where it concerns this mail alone. @throws CannotSend where no mail can leave.
   */
  send(letter: Letter): Promise<string>
  /** Resolves where mails could leave now. @throws CannotSend */
  check(): Promise<void>
  close(): void
}

/** This one mail was not taken; others may be. */
export class NotTaken extends Error {
  override readonly name = 'NotTaken'
  /** Whether it never will be. */
  readonly isFinal: boolean

  constructor(message: string, isFinal: boolean, options?: ErrorOptions) {
    super(message, options)
    this.isFinal = isFinal
  }
}

/** No mail can leave, in words for the operator. */
export class CannotSend extends Error {
  override readonly name = 'CannotSend'
  readonly remedy: string

  constructor(message: string, remedy: string, options?: ErrorOptions) {
    super(message, options)
    this.remedy = remedy
  }
}
