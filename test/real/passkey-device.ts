import type { CDPSession, Page } from 'playwright-core'

/** A credential as Chromium's virtual authenticator has it. */
interface DeviceCredential {
  readonly credentialId: string
  readonly isResidentCredential: boolean
  readonly rpId?: string
  readonly privateKey: string
  readonly userHandle?: string
  readonly signCount: number
}

/** A device that keeps passkeys, plugged into one window of the browser. */
export interface PasskeyDevice {
  credentials(): Promise<readonly DeviceCredential[]>
  /** Puts a credential into it, in the place of one with the same identifier. */
  put(credential: DeviceCredential): Promise<void>
  /** Whether its user shows a finger that it knows. */
  verifiesUser(does: boolean): Promise<void>
  unplug(): Promise<void>
}

/** Of Chromium (WebAuthn Level 3 §11). @param transport several of one kind cannot be plugged in at the same time. */
export async function plugIn(page: Page, transport: 'internal' | 'usb' = 'internal'): Promise<PasskeyDevice> {
  const devtools: CDPSession = await page.context().newCDPSession(page)
  await devtools.send('WebAuthn.enable')
  const { authenticatorId } = await devtools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport,
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  })
  return {
    async credentials() {
      const { credentials } = await devtools.send('WebAuthn.getCredentials', { authenticatorId })
      return credentials
    },
    async put(credential) {
      const { credentialId } = credential
      await devtools.send('WebAuthn.removeCredential', { authenticatorId, credentialId }).catch(() => {})
      await devtools.send('WebAuthn.addCredential', { authenticatorId, credential })
    },
    async verifiesUser(does) {
      await devtools.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: does })
    },
    async unplug() {
      await devtools.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId })
    },
  }
}
