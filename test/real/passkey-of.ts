import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { isoCBOR } from '@simplewebauthn/server/helpers'
import type { Page } from 'playwright-core'
import { replyRules } from '../../src/app/reply-rules.ts'
import { openStore } from '../../src/app/storage.ts'
import { loadConfig } from '../../src/config/load.ts'
import { systemRandom } from '../../src/domain/random.ts'
import type { Installation } from './broker.ts'

/** A passkey that a broker has in its records, for a device that is yet to get it. */
export interface MadePasskey {
  /** Plugs a device with the passkey into a window of Chromium (WebAuthn Level 3 §11). */
  plugInto(page: Page): Promise<void>
}

/** Adds a passkey of a user through the installation's own store, as if it had been enrolled at the portal. */
export async function passkeyOf(
  installation: Pick<Installation, 'configFile'>,
  subject: string,
  rpId: string,
): Promise<MadePasskey> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' })
  const octets = (text: string) => Uint8Array.from(Buffer.from(text, 'base64url'))
  // RFC 9053 §7.1.1: kty EC2, alg ES256, crv P-256, x, y.
  const cose = new Map<number, number | Uint8Array>([
    [1, 2],
    [3, -7],
    [-1, 1],
    [-2, octets(x)],
    [-3, octets(y)],
  ])
  const [credential, handle] = [randomBytes(32), randomBytes(32)]
  const loaded = await loadConfig(installation.configFile, {}, replyRules)
  if ('faults' in loaded) throw new Error(JSON.stringify(loaded.faults))
  const store = await openStore(loaded.config)
  try {
    await store.records.passkeys.add({
      id: systemRandom.id(),
      subject,
      name: 'laptop',
      credential: credential.toString('base64url'),
      handle: handle.toString('base64url'),
      publicKey: Buffer.from(isoCBOR.encode(cose)).toString('base64url'),
      counter: 0,
      rpId,
      createdAt: Date.now(),
    })
  } finally {
    await store.close()
  }
  return {
    async plugInto(page) {
      const devtools = await page.context().newCDPSession(page)
      await devtools.send('WebAuthn.enable')
      const { authenticatorId } = await devtools.send('WebAuthn.addVirtualAuthenticator', {
        options: {
          protocol: 'ctap2',
          transport: 'internal',
          hasResidentKey: true,
          hasUserVerification: true,
          isUserVerified: true,
          automaticPresenceSimulation: true,
        },
      })
      await devtools.send('WebAuthn.addCredential', {
        authenticatorId,
        credential: {
          credentialId: credential.toString('base64'),
          isResidentCredential: true,
          rpId,
          privateKey: privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64'),
          userHandle: handle.toString('base64'),
          signCount: 1,
        },
      })
    },
  }
}
