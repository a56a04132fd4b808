import { openStore } from '../src/broker.ts'
import type { Config } from '../src/config/shape.ts'
import { systemClock } from '../src/domain/clock.ts'
import { quietLog } from '../src/domain/log.ts'
import { systemRandom } from '../src/domain/random.ts'
import { Secret } from '../src/domain/secret.ts'
import { DIGITS, PASSWORD, PERIOD, seedOf, userName } from './population.ts'
import { GRANTED } from './server.ts'

/** Users that are handed to the store at one time, so that it can commit many at once. */
const AT_ONCE = 500

/** Adds the users, each with the password and an authenticator, through the same store that the command line uses. */
export async function fillStore(config: Config, users: number, told: (done: number) => void): Promise<void> {
  const { records, keys, hashes, close } = await openStore(config, quietLog)
  try {
    const passwordHash = await hashes.hash(new Secret(PASSWORD))
    const add = async (user: number) => {
      const name = userName(user)
      await records.users.add({
        name,
        passwordHash,
        enabled: true,
        groups: [GRANTED.group],
        attributes: {},
        createdAt: systemClock.now(),
      })
      await records.enrolments.replace({
        enrolment: {
          id: systemRandom.id(),
          subject: name,
          sealedSeed: keys.seal(new Secret(seedOf(user)), name),
          digits: DIGITS,
          period: PERIOD,
          algorithm: 'sha1',
          lastStep: -1,
          createdAt: systemClock.now(),
        },
        recoveryHashes: [],
      })
    }
    for (let done = 0; done < users; done += AT_ONCE) {
      const some = Math.min(AT_ONCE, users - done)
      await Promise.all(Array.from({ length: some }, (_, index) => add(done + index)))
      told(done + some)
    }
  } finally {
    await close()
  }
}
