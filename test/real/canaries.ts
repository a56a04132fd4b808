import { randomBytes } from 'node:crypto'
import { ScureBase32Plugin } from 'otplib'
import type { TestPerson } from './people.ts'

/** Of a code: so many that none is found in an identifier or a time by chance. */
export const CANARY_DIGITS = 8

/** Secrets, each used in one place, so that one which is found says where it got out. */
export class Canaries {
  readonly #forms = new Map<string, readonly (string | Buffer)[]>()

  password(where: string): string {
    return this.#keep(where, `canary-${randomBytes(6).toString('hex')}`)
  }

  /** A code of so many digits, right or wrong. */
  code(
    where: string,
    code: string = String(randomBytes(6).readUIntBE(0, 6)).padStart(CANARY_DIGITS, '7').slice(-CANARY_DIGITS),
  ): string {
    return this.#keep(where, code)
  }

  person(person: TestPerson): TestPerson {
    const seed = Buffer.from(new ScureBase32Plugin().decode(person.key))
    this.#keep(`seed of ${person.name}`, person.key, seed)
    for (const code of person.recoveryCodes) this.recoveryCode(`recovery code of ${person.name}`, code)
    return person
  }

  /** A secret that the broker made: a token, a cookie, the code of an invitation. */
  made(where: string, secret: string): string {
    return this.#keep(where, secret)
  }

  recoveryCode(where: string, code: string): string {
    this.#keep(`${where}, without hyphens`, code.replaceAll('-', ''))
    return this.#keep(where, code)
  }

  #keep(where: string, text: string, octets = Buffer.from(text)): string {
    const coded = (['hex', 'base64', 'base64url'] as const).map((coding) => octets.toString(coding))
    const forms = [text, text.toUpperCase(), octets, ...coded.map((form) => form.replace(/=+$/, ''))]
    this.#forms.set(`${where}: ${text}`, forms)
    return text
  }

  /** Which of them are in there, in whatever form. */
  foundIn(content: Buffer): string[] {
    return Array.from(this.#forms)
      .filter(([, forms]) => forms.some((form) => content.includes(form)))
      .map(([where]) => where)
  }
}

/** Collects everything that programs say, and checks it in the end. */
export class Listener {
  readonly #heard: Buffer[] = []

  hear(text: string | Buffer): void {
    this.#heard.push(Buffer.from(text))
  }

  all(): Buffer {
    return Buffer.concat(this.#heard)
  }
}
