import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { isoCBOR } from '@simplewebauthn/server/helpers'

/** What of an answer a test makes wrong. */
export interface Twist {
  readonly origin?: string
  readonly rpId?: string
  readonly challenge?: string
  readonly crossOrigin?: boolean
  readonly userVerified?: boolean
  readonly counter?: number
  readonly handle?: string
  readonly type?: string
  readonly attestation?: ReadonlyMap<string, unknown>
}

interface Made {
  readonly challenge: string
  readonly rp: { readonly id?: string }
  readonly user: { readonly id: string }
}

const UP = 0x01
const UV = 0x04
const AT = 0x40

/** An authenticator with one discoverable credential, made of ES256 keys; it answers as a browser would post it. */
export class SoftwareAuthenticator {
  readonly #origin: string
  readonly #privateKey: KeyObject
  readonly #cose: Uint8Array
  readonly credential = randomBytes(32)
  #handle = ''
  #rpId = ''
  counter = 0

  constructor(origin: string) {
    this.#origin = origin
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    this.#privateKey = privateKey
    const { x = '', y = '' } = publicKey.export({ format: 'jwk' })
    // RFC 9053 §7.1.1: kty EC2, alg ES256, crv P-256, x, y.
    const key = new Map<number, number | Uint8Array>([
      [1, 2],
      [3, -7],
      [-1, 1],
      [-2, octetsOf(x)],
      [-3, octetsOf(y)],
    ])
    this.#cose = isoCBOR.encode(key)
  }

  get id(): string {
    return this.credential.toString('base64url')
  }

  create({ challenge, rp, user }: Made, twist: Twist = {}): string {
    this.#handle = user.id
    this.#rpId = rp.id ?? ''
    const length = Buffer.alloc(2)
    length.writeUInt16BE(this.credential.length)
    const attested = Buffer.concat([Buffer.alloc(16), length, this.credential, this.#cose])
    const authData = Buffer.concat([this.#head(AT, twist), attested])
    const attestation = isoCBOR.encode(
      new Map<string, unknown>([
        ['fmt', twist.attestation === undefined ? 'none' : 'packed'],
        ['attStmt', twist.attestation ?? new Map()],
        ['authData', Uint8Array.from(authData)],
      ]) as never,
    )
    return this.#answer({
      clientDataJSON: this.#clientData('webauthn.create', challenge, twist),
      attestationObject: Buffer.from(attestation).toString('base64url'),
      transports: ['internal', 'hybrid'],
    })
  }

  get(challenge: string, twist: Twist = {}): string {
    const clientDataJSON = this.#clientData('webauthn.get', challenge, twist)
    const authenticatorData = this.#head(0, twist)
    const digest = createHash('sha256').update(Buffer.from(clientDataJSON, 'base64url')).digest()
    const signature = sign('sha256', Buffer.concat([authenticatorData, digest]), this.#privateKey)
    return this.#answer({
      clientDataJSON,
      authenticatorData: authenticatorData.toString('base64url'),
      signature: signature.toString('base64url'),
      userHandle: twist.handle ?? this.#handle,
    })
  }

  #answer(response: Readonly<Record<string, unknown>>): string {
    return JSON.stringify({
      id: this.id,
      rawId: this.id,
      type: 'public-key',
      response,
      clientExtensionResults: {},
    })
  }

  #clientData(type: string, challenge: string, twist: Twist): string {
    const { origin = this.#origin, crossOrigin = false } = twist
    const data = { type: twist.type ?? type, challenge: twist.challenge ?? challenge, origin, crossOrigin }
    return Buffer.from(JSON.stringify(data)).toString('base64url')
  }

  /** WebAuthn Level 3 §6.1. */
  #head(flags: number, { rpId = this.#rpId, userVerified = true, counter = this.counter }: Twist): Buffer {
    const head = Buffer.alloc(5)
    head.writeUInt8(flags | UP | (userVerified ? UV : 0))
    head.writeUInt32BE(counter, 1)
    return Buffer.concat([createHash('sha256').update(rpId).digest(), head])
  }
}

function octetsOf(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'base64url'))
}
