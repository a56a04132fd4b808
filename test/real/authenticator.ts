import jsQR from 'jsqr'
import { generateSync } from 'otplib'
import type { Locator } from 'playwright-core'
import { PNG } from 'pngjs'

/** An app on somebody's phone, with the key that it has scanned. */
export interface Authenticator {
  /** The issuer and the account, as the app shows them. */
  readonly label: string
  /** Base32. */
  readonly key: string
  /** The code of this moment, or the one that the app shows `steps` later. */
  code(steps?: number): string
}

/** Reads a QR code as a camera does: from the picture on the screen, and nothing else. */
export async function scan(picture: Locator): Promise<Authenticator> {
  return authenticatorOf(await scanText(picture))
}

/** What a QR code says. */
export async function scanText(picture: Locator): Promise<string> {
  return scanPng(await picture.screenshot())
}

export function scanPng(picture: Buffer): string {
  const { data, width, height } = PNG.sync.read(picture)
  const found = jsQR.default(new Uint8ClampedArray(data), width, height)
  if (found === null) throw new Error('there is no QR code on the picture')
  return found.data
}

/** What an app makes of an `otpauth:` link. */
function authenticatorOf(link: string): Authenticator {
  const uri = new URL(link)
  if (uri.protocol !== 'otpauth:' || uri.hostname !== 'totp') throw new Error('no key for a time-based code')
  const key = uri.searchParams.get('secret') ?? ''
  const period = Number(uri.searchParams.get('period') ?? 30)
  const digits = Number(uri.searchParams.get('digits') ?? 6) as 6 | 7 | 8
  const algorithm = (uri.searchParams.get('algorithm') ?? 'SHA1').toLowerCase() as 'sha1'
  return {
    label: decodeURIComponent(uri.pathname.slice(1)),
    key,
    code: (steps = 0) =>
      generateSync({
        secret: key,
        digits,
        period,
        algorithm,
        epoch: Math.floor(Date.now() / 1000) + steps * period,
      }),
  }
}
