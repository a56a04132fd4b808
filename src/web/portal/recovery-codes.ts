import type { Request, Response } from 'express'
import type { Portal } from './portal.ts'

export interface ShownRecoveryCodes {
  readonly codes: readonly string[]
  /** Whose they are. */
  readonly name: string
  /** Whether the authenticator is new too. */
  readonly isNew: boolean
  /** Where the visitor goes on. */
  readonly next: string
}

/**
 * Shows recovery codes in the answer to the form that made them: what is stored of them cannot be shown again. The
 * file to download is made of what the page sends back.
 */
export function showRecoveryCodes(
  request: Request,
  response: Response,
  portal: Portal,
  shown: ShownRecoveryCodes,
): void {
  const heading = portal.wordsFor(request).recovery.heading(portal.dependencies.name, shown.name)
  portal.show(request, response, {
    view: 'recovery-codes',
    title: ({ recovery }) => recovery.title,
    width: 'narrow',
    data: { ...shown, heading },
  })
}
