import { createHash } from 'node:crypto'
import type { KeyRing } from '../domain/key-ring.ts'
import type { MailContent } from '../domain/mail.ts'
import { Secret } from '../domain/secret.ts'

/** What a mail says, as the records keep it while it waits. */
export function sealContent(keys: KeyRing, id: string, content: MailContent): string {
  return keys.seal(new Secret(JSON.stringify(content)), ownerOf(id))
}

/** @throws CannotOpen */
export function openContent(keys: KeyRing, id: string, sealed: string): MailContent {
  return JSON.parse(keys.open(sealed, ownerOf(id)).reveal())
}

/** What seals a seed does not open as a mail, nor one mail as another. */
function ownerOf(id: string): string {
  return `mail ${id}`
}

/** The same for the same cause, so that whatever happens to a broker, a cause brings one mail. */
export function mailIdOf(...cause: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(cause)).digest('hex').slice(0, ID_DIGITS)
}

const ID_DIGITS = 32
