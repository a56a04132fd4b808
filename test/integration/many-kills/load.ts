import { setTimeout as sleep } from 'node:timers/promises'
import { generateSync } from 'otplib'
import { translator } from '../../../src/i18n/messages.ts'
import { encodeAttribute } from '../../../src/radius/dictionary.ts'
import type { TestPerson } from '../../real/people.ts'
import { accountingRequest, ask, loginRequest, type Reply } from '../../real/radius-socket.ts'
import { unique } from '../../store/samples.ts'
import type { Acknowledged } from './acknowledged.ts'
import { isOfALock } from './locks.ts'
import type { Seeded } from './seeded.ts'
import type { Broker, Site } from './site.ts'

/** From where people connect who never fail. Others fail from elsewhere. */
export const INNOCENT_ADDRESS = '198.51.100.1'
const GUESSED_AT = '203.0.113.1'
const REPLAYED_FROM = '203.0.113.2'
const TWIN_ADDRESSES = ['203.0.113.3', '203.0.113.4'] as const

/** The pool gives out each address several times. */
const MAX_HOLDERS = 40

/** People of one kind, each of whom does something once. */
export interface Crowd {
  /** Log in, once, with the right code; then their gateway accounts for the session. */
  readonly innocent: readonly TestPerson[]
  /** Use one code at both brokers at once. */
  readonly twins: readonly TestPerson[]
  /** Are guessed at or locked by hand, try the right code, and are released. */
  readonly victims: readonly TestPerson[]
  /** Get an authenticator. */
  readonly newcomers: readonly TestPerson[]
}

export interface LoadOptions {
  readonly site: Site
  /** Of the API. */
  readonly token: string
  readonly random: Seeded
  readonly acknowledged: Acknowledged
}

/** Everything that goes on at a site at once, from `add` to `stop`. */
export class Load {
  readonly #options: LoadOptions
  readonly #waiting = {
    innocent: [] as TestPerson[],
    twins: [] as TestPerson[],
    victims: [] as TestPerson[],
    newcomers: [] as TestPerson[],
  }
  readonly #working: Promise<void>
  #isOver = false

  constructor(options: LoadOptions) {
    this.#options = options
    const { innocent, twins, victims, newcomers } = this.#waiting
    this.#working = Promise.all([
      this.#each(innocent, this.#logIn),
      this.#each(innocent, this.#logIn),
      this.#each(twins, this.#useTwice),
      this.#each(victims, this.#lockAndRelease),
      this.#each(newcomers, this.#enrol),
      this.#replay(),
    ]).then(() => {})
  }

  add(crowd: Crowd): void {
    for (const kind of ['innocent', 'twins', 'victims', 'newcomers'] as const)
      this.#waiting[kind].push(...crowd[kind])
  }

  async stop(): Promise<void> {
    this.#isOver = true
    await this.#working
  }

  async #each(queue: TestPerson[], work: (person: TestPerson) => Promise<void>): Promise<void> {
    while (!this.#isOver) {
      await sleep(10 + this.#options.random.below(30))
      const person = queue.shift()
      if (person !== undefined) await work(person)
    }
  }

  readonly #logIn = async (person: TestPerson): Promise<void> => {
    const { acknowledged } = this.#options
    const typed = right(person)
    const reply = await this.#try(this.#anyBroker(), person.name, typed, INNOCENT_ADDRESS)
    if (reply?.code === 'Access-Accept') {
      const { ipv4 = 'no address' } = reply
      acknowledged.accepted.set(person.name, typed)
      acknowledged.leased(person.name, ipv4)
      await this.#account(person.name, ipv4)
    } else if (reply !== undefined && reply.message !== translator('en')('vpn.refused.unavailable')) {
      acknowledged.wrongs.push(`${person.name} was right and refused: ${reply.message}`)
    }
  }

  async #account(user: string, ipv4: string): Promise<void> {
    const { random, acknowledged } = this.#options
    const session = unique('acct')
    const accounted = { user, started: false, stopped: false, seconds: 0 }
    acknowledged.accounted.set(session, accounted)
    accounted.started = await this.#tell({ session, user, ipv4 }, 1, 0)
    if (random.below(2) < 1 && (await this.#tell({ session, user, ipv4 }, 3, 1))) accounted.seconds = 1
    if (acknowledged.holders.size < MAX_HOLDERS && random.below(2) < 1) return
    // From here on the records may hold it, answered or not.
    acknowledged.holders.delete(ipv4)
    if (!(await this.#tell({ session, user, ipv4 }, 2, 2))) return
    accounted.stopped = true
    accounted.seconds = 2
  }

  /** @returns whether the gateway got the acknowledgement. */
  async #tell(
    { session, user, ipv4 }: { readonly session: string; readonly user: string; readonly ipv4: string },
    status: 1 | 2 | 3,
    seconds: number,
  ): Promise<boolean> {
    const { installation, until } = this.#anyBroker()
    const request = accountingRequest(installation.secret, [
      encodeAttribute('Acct-Status-Type', status),
      encodeAttribute('User-Name', user),
      encodeAttribute('Acct-Session-Id', session),
      encodeAttribute('Calling-Station-Id', INNOCENT_ADDRESS),
      encodeAttribute('Acct-Session-Time', seconds),
      // A Start comes before ocserv has an address.
      ...(status === 1 ? [] : [encodeAttribute('Framed-IP-Address', ipv4)]),
    ])
    return (await ask(installation.acctPort, request, { tries: 1, until: until() })) !== undefined
  }

  readonly #useTwice = async (person: TestPerson): Promise<void> => {
    const { site, acknowledged } = this.#options
    const typed = right(person)
    const uses = site.brokers.map((broker, index) =>
      this.#try(broker, person.name, typed, TWIN_ADDRESSES[index] ?? ''),
    )
    const accepted = (await Promise.all(uses)).filter((reply) => reply?.code === 'Access-Accept')
    if (accepted.length > 1) acknowledged.wrongs.push(`a code of ${person.name} let two in at once`)
    if (accepted.length > 0) acknowledged.accepted.set(person.name, typed)
  }

  /** A code that was accepted is never accepted again, whatever was killed in between. */
  async #replay(): Promise<void> {
    const { random, acknowledged } = this.#options
    while (!this.#isOver) {
      await sleep(50 + random.below(50))
      // Older codes may have ended.
      const latest = [...acknowledged.accepted].slice(-40)
      if (latest.length === 0) continue
      const [user, typed] = random.oneOf(latest)
      const reply = await this.#try(this.#anyBroker(), user, typed, REPLAYED_FROM)
      if (reply?.code === 'Access-Accept') acknowledged.wrongs.push(`a code of ${user} was accepted again`)
    }
  }

  readonly #lockAndRelease = async (person: TestPerson): Promise<void> => {
    const { random, acknowledged } = this.#options
    const user = person.name
    const isByHand = random.below(2) < 1
    if (!(await this.#again(() => (isByHand ? this.#lockByHand(user) : this.#lockByGuess(person))))) return
    acknowledged.locked.add(user)
    const reply = await this.#try(this.#anyBroker(), user, right(person), GUESSED_AT)
    if (reply?.code === 'Access-Accept') acknowledged.wrongs.push(`${user} was locked and let in`)
    if (random.below(4) < 1 || !(await this.#releaseAll(user))) return
    const typed = right(person)
    const after = await this.#try(this.#anyBroker(), user, typed, GUESSED_AT)
    if (after !== undefined && isOfALock(after))
      acknowledged.wrongs.push(`${user} was released and is locked`)
    if (after?.code === 'Access-Accept') acknowledged.accepted.set(user, typed)
  }

  /** Tries again, as people do after a failure. @returns whether it worked in the end. */
  async #again(work: () => Promise<boolean>): Promise<boolean> {
    for (let tries = 0; tries < 8 && !this.#isOver; tries++) {
      if (await work()) return true
      await sleep(100)
    }
    return false
  }

  async #lockByHand(user: string): Promise<boolean> {
    const made = await this.#call('/lockouts', { scope: 'user', user, reason: 'seen elsewhere' })
    return made?.status === 201
  }

  /** @returns whether the guesser was told of a lock. */
  async #lockByGuess(person: TestPerson): Promise<boolean> {
    const { random, acknowledged } = this.#options
    const typed = random.below(2) < 1 ? 'a guess' : wrong(person)
    const reply = await this.#try(this.#anyBroker(), person.name, typed, GUESSED_AT)
    if (reply?.code === 'Access-Accept') acknowledged.wrongs.push(`a guess at ${person.name} was let in`)
    if (reply?.message === translator('en')('vpn.refused.failed')) acknowledged.failed(person.name)
    return reply !== undefined && isOfALock(reply)
  }

  /** @returns whether every lock of the user was released, and the desk was told so of the last ones. */
  async #releaseAll(user: string): Promise<boolean> {
    const { acknowledged } = this.#options
    let wasTried = false
    let areReleased = false
    await this.#again(async () => {
      const found = await this.#call(`/lockouts?user=${user}&state=in_force`)
      if (found?.status !== 200) return false
      const items = found.json.items as readonly { readonly id: string }[]
      if (items.length === 0 && !wasTried) acknowledged.wrongs.push(`the lock of ${user} was not there`)
      areReleased = items.length > 0
      for (const { id } of items) {
        wasTried = true
        const answer = await this.#call(`/lockouts/${id}/release`, { reason: 'called' })
        if (answer?.status === 200) acknowledged.released.add(id)
        else areReleased = false
      }
      return areReleased || items.length === 0
    })
    return areReleased
  }

  /** Begun at one broker and confirmed at any. */
  readonly #enrol = async ({ name }: TestPerson): Promise<void> => {
    await this.#again(async () => {
      const pending = await this.#call('/pending-enrolments', { user: name })
      if (pending?.status !== 201) return false
      const { id, key } = pending.json as { id: string; key: string }
      const code = generateSync({ secret: key })
      const path = `/pending-enrolments/${id}/confirm`
      const confirmed = await this.#call(path, { code, reason: 'new telephone' })
      if (confirmed?.status !== 201) return false
      const { recoveryCodes } = confirmed.json as { recoveryCodes: readonly string[] }
      this.#options.acknowledged.enrolled.set(name, { key, recoveryCodes })
      return true
    })
  }

  #anyBroker(): Broker {
    const { site, random } = this.#options
    const up = site.brokers.filter((broker) => broker.isUp())
    return random.oneOf(up.length > 0 ? up : site.brokers)
  }

  /** Once: a code that comes again would be a used one. */
  #try(broker: Broker, user: string, password: string, from: string): Promise<Reply | undefined> {
    const { authPort, secret } = broker.installation
    return ask(authPort, loginRequest({ secret, user, password, from }), { tries: 1, until: broker.until() })
  }

  /** @returns undefined where no whole answer came. */
  async #call(path: string, json?: object): Promise<Answer | undefined> {
    const { url, until } = this.#anyBroker()
    try {
      const response = await fetch(`${url}${path}`, {
        headers: { authorization: `Bearer ${this.#options.token}`, 'content-type': 'application/json' },
        signal: AbortSignal.any([until(), AbortSignal.timeout(5000)]),
        method: json && 'POST',
        body: json && JSON.stringify(json),
      })
      return { status: response.status, json: (await response.json()) as Answer['json'] }
    } catch {
      return undefined
    }
  }
}

interface Answer {
  readonly status: number
  readonly json: Readonly<Record<string, unknown>>
}

function right({ password, key }: TestPerson): string {
  return password + generateSync({ secret: key })
}

function wrong({ password, key }: TestPerson): string {
  const code = (Number(generateSync({ secret: key })) + 1) % 1_000_000
  return password + String(code).padStart(6, '0')
}
