import { replyRules } from '../../src/app/reply-rules.ts'
import { openStore } from '../../src/app/storage.ts'
import { loadConfig } from '../../src/config/load.ts'
import { newRecoveryCode, recoveryCodeHash } from '../../src/domain/enrolment.ts'
import type { StaticAttributes } from '../../src/domain/person.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { Secret } from '../../src/domain/secret.ts'
import { newSeed, seedAsBase32 } from '../../src/domain/totp.ts'
import type { Installation } from './broker.ts'

/** A user to be made. */
interface NewPerson {
  readonly name: string
  readonly password: string
  readonly groups?: readonly string[]
  readonly attributes?: StaticAttributes
  /** False leaves the user without an authenticator. */
  readonly enrolled?: boolean
}

/** A user whom a test made, with everything that the user knows and holds. */
export interface TestPerson {
  readonly name: string
  readonly password: string
  /** The authenticator's seed in base32. */
  readonly key: string
  readonly recoveryCodes: readonly string[]
}

const RECOVERY_CODES = 3
/** No more than a database has connections. */
const AT_ONCE = 8

/** Adds users through the installation's own store; the command makes the same records, at a second for each user. */
export async function addPeople(
  installation: Pick<Installation, 'configFile'>,
  people: readonly NewPerson[],
): Promise<TestPerson[]> {
  const loaded = await loadConfig(installation.configFile, {}, replyRules)
  if ('faults' in loaded) throw new Error(JSON.stringify(loaded.faults))
  const { totp } = loaded.config.secondFactor
  const store = await openStore(loaded.config)
  const hashes = new Map<string, Promise<string>>()
  const hashOf = (password: string): Promise<string> => {
    const known = hashes.get(password) ?? store.hashes.hash(new Secret(password))
    hashes.set(password, known)
    return known
  }
  const add = async ({ name, password, groups = [], attributes = {}, enrolled = true }: NewPerson) => {
    const passwordHash = await hashOf(password)
    const user = { name, passwordHash, enabled: true, groups, attributes, createdAt: Date.now() }
    const answer = await store.records.users.add(user)
    if (answer !== 'added') throw new Error(`${name}: ${answer}`)
    const seed = newSeed()
    const recoveryCodes = Array.from({ length: RECOVERY_CODES }, () => newRecoveryCode(systemRandom))
    if (enrolled) {
      await store.records.enrolments.replace({
        enrolment: {
          id: systemRandom.id(),
          subject: name,
          sealedSeed: store.keys.seal(seed, name),
          digits: totp.digits,
          period: totp.period,
          algorithm: totp.algorithm,
          lastStep: -1,
          driftMs: 0,
          createdAt: Date.now(),
        },
        recoveryHashes: recoveryCodes.map((code) => recoveryCodeHash(name, code)),
      })
    }
    return { name, password, key: seedAsBase32(seed), recoveryCodes }
  }
  try {
    const added: TestPerson[] = []
    const left = people.entries()
    const addSome = async () => {
      for (const [index, person] of left) added[index] = await add(person)
    }
    await Promise.all(Array.from({ length: AT_ONCE }, addSome))
    return added
  } finally {
    await store.close()
  }
}
