import { foldName, nameOfSubject } from '../../domain/login-name.ts'
import { opaqueString } from '../../domain/opaque-string.ts'
import type { Secret } from '../../domain/secret.ts'

export interface PasswordRulesOptions {
  /** Whether nobody gets in by a password alone. */
  readonly secondFactorRequired: boolean
  /** Names of the site and of its service: they are among the first guesses. */
  readonly siteNames: readonly string[]
}

/** @returns what is wrong with a new password, and what to do, in words that follow "the password"; undefined: nothing. */
export type PasswordRules = (password: Secret, user: string) => Promise<string | undefined>

/** The fewest characters (NIST SP 800-63B-4 §3.1.1.1), beside a second factor and as the only factor … */
const MIN_CHARACTERS = { beside: 8, alone: 15 } as const
/** … and the most octets: radcli before 1.4.0 cuts a password there. */
const MAX_OCTETS = 112
/** A shorter part of a name is part of too many other words. */
const MIN_WORD = 3
/** A text of so many characters, repeated, is no more than one of so many. */
const MAX_UNIT = 4

const REMEDY = 'choose another, such as several words'

/**
 * The rules for new passwords of local users (NIST SP 800-63B-4 §3.1.1.2): a length, and a blocklist with which the
 * whole password is compared. Which kinds of characters it has does not matter.
 */
export function passwordRules({ secondFactorRequired, siteNames }: PasswordRulesOptions): PasswordRules {
  const least = secondFactorRequired ? MIN_CHARACTERS.beside : MIN_CHARACTERS.alone
  return async (password, user) => {
    // As it is hashed.
    const text = opaqueString(password).reveal()
    const characters = [...text].length
    if (characters < least)
      return `has ${characters} characters, and ${least} are the least ${secondFactorRequired ? 'beside' : 'without'} a second factor: choose a longer one, such as several words`
    if (password.bytes().length > MAX_OCTETS)
      return `is longer than the ${MAX_OCTETS} octets that every gateway sends whole: choose a shorter one`
    const folded = foldName(text)
    if (isMadeOfNames(folded, [user, ...siteNames]))
      return `is made of the name of the user or of the site: ${REMEDY}`
    const common = await commonPasswords()
    const unit = /^(.+?)\1+$/su.exec(folded)?.[1]
    if (unit !== undefined && ([...unit].length <= MAX_UNIT || common.has(unit)))
      return `is one text over and over: ${REMEDY}`
    return common.has(folded) ? `is one of the most common, which are guessed first: ${REMEDY}` : undefined
  }
}

/** Whether nothing but digits and signs is left without the names: `alice-2027`, `VpnExampleVpn!`. */
function isMadeOfNames(password: string, names: readonly string[]): boolean {
  const words = new Set(names.flatMap(wordsOf).filter((word) => word.length >= MIN_WORD))
  const longestFirst = [...words].toSorted((one, other) => other.length - one.length)
  const rest = longestFirst.reduce((text, word) => text.replaceAll(word, ' '), password)
  return rest !== password && !/\p{L}/u.test(rest)
}

function wordsOf(name: string): string[] {
  const whole = foldName(name)
  const { username = whole } = nameOfSubject(name) ?? {}
  return [whole, username, ...whole.split(/[^\p{L}\p{M}\p{N}]+/u)]
}

let loaded: Promise<ReadonlySet<string>> | undefined

/** Loaded with the first new password: the list takes some megabytes. */
function commonPasswords(): Promise<ReadonlySet<string>> {
  loaded ??= import('@zxcvbn-ts/language-common').then(({ dictionary }) => {
    const all = [...dictionary['passwords-common'], ...dictionary['diceware-common']]
    return new Set(all.map(foldName))
  })
  return loaded
}
