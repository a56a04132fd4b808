import type { Response } from 'express'
import type { PageText } from '../layout/pages.ts'
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
export function showRecoveryCodes(response: Response, portal: Portal, shown: ShownRecoveryCodes): void {
  const heading = portal.textFor(response.req, recoveryHeading(portal, shown.name))
  portal.show(response, {
    view: 'recovery-codes',
    title: (t) => t('portal.recovery.title'),
    width: 'narrow',
    data: { ...shown, heading },
  })
}

/** Heads the file and the printed sheet. */
export function recoveryHeading({ services }: Portal, name: string): PageText {
  return (t) => t('portal.recovery.heading', { name, service: services.name })
}
