import { readFileSync, statSync } from 'node:fs'
import { createSecureContext, type SecureContext } from 'node:tls'
import type { Clock } from '../../../domain/clock.ts'
import { messageOf } from '../../../domain/errors.ts'
import type { Log } from '../../../domain/log.ts'
import { ConnectionLost } from './connection-lost.ts'

export interface TlsFileOptions {
  readonly caFile?: string
  readonly certFile?: string
  readonly keyFile?: string
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3'
  readonly clock: Clock
  readonly log: Pick<Log, 'warn' | 'info'>
}

export interface TlsMaterial {
  readonly context: SecureContext
  /** Another number, other files: connections of an earlier one are not used again. */
  readonly edition: number
}

const LOOK_EVERY_MS = 1000

/** The authority, certificate and key, read again when a file has changed; a change that cannot be used is left alone. */
export class TlsFiles {
  readonly #options: TlsFileOptions
  readonly #files: readonly string[]
  #material: TlsMaterial | undefined
  #stamp = ''
  #refusedStamp = ''
  #lookedAt = Number.NEGATIVE_INFINITY

  constructor(options: TlsFileOptions) {
    this.#options = options
    this.#files = [options.caFile, options.certFile, options.keyFile].filter((file) => file !== undefined)
  }

  /** Looks at the files once a second at most. @throws ConnectionLost where they could never be read. */
  current(): TlsMaterial {
    const now = this.#options.clock.monotonic()
    if (this.#material === undefined || now - this.#lookedAt >= LOOK_EVERY_MS) {
      this.#lookedAt = now
      this.#look()
    }
    if (this.#material === undefined) throw new ConnectionLost('unreachable', 'its TLS files cannot be read')
    return this.#material
  }

  #look(): void {
    let stamp = 'unreadable'
    try {
      stamp = this.#files.map(stampOf).join(' ')
      if (this.#material !== undefined && stamp === this.#stamp) return
      const edition = (this.#material?.edition ?? 0) + 1
      this.#material = { context: this.#read(), edition }
      this.#stamp = stamp
      if (edition > 1) this.#options.log.info('ldap.tls_files_read', { files: this.#files })
    } catch (error) {
      const cause = messageOf(error)
      if (this.#material === undefined)
        throw new ConnectionLost('unreachable', `${this.#files.join(', ')}: ${cause}`, { cause: error })
      if (stamp !== this.#refusedStamp)
        this.#options.log.warn('ldap.tls_files_unusable', { files: this.#files, cause })
      this.#refusedStamp = stamp
    }
  }

  #read(): SecureContext {
    const { caFile, certFile, keyFile, minVersion } = this.#options
    const read = (file: string | undefined) => (file === undefined ? undefined : readFileSync(file))
    return createSecureContext({ minVersion, ca: read(caFile), cert: read(certFile), key: read(keyFile) })
  }
}

function stampOf(file: string): string {
  const { mtimeMs, size, ino } = statSync(file)
  return `${mtimeMs}:${size}:${ino}`
}
