import type { OcctlOutput, RunOcctl } from '../../src/agent/run-occtl.ts'

export interface FakeSession {
  readonly id: string
  readonly session: string
  readonly user: string
  readonly address?: string
  readonly ipv4?: string
}

/** Answers as occtl does and remembers each call. A test moves its sessions. */
export class FakeOcserv {
  tunnels: FakeSession[] = []
  cookies: FakeSession[] = []
  bans: string[] = []
  /** Whether `terminate` exists, which also forgets the cookie. */
  canTerminate = false
  /** Keeps the cookie of a session that is disconnected, as with `persistent-cookies`. */
  keepsCookies = false
  /** Does not end what it lists. */
  isStubborn = false
  readonly calls: (readonly string[])[] = []

  readonly run: RunOcctl = async (args) => {
    this.calls.push(args)
    return this.#answer(args)
  }

  /** The calls that change something. */
  changes(): readonly string[] {
    return this.calls.map((args) => args.join(' ')).filter((call) => !/show|--/.test(call))
  }

  #answer(args: readonly string[]): OcctlOutput {
    const words = args.filter((word) => word !== '-j').join(' ')
    if (words === 'show users') return printed(this.tunnels.map(asListed))
    if (words === 'show sessions valid') return printed([...this.tunnels, ...this.cookies].map(asListed))
    if (words === 'show ip bans') return printed(this.bans.map((address) => ({ IP: address, Score: 80 })))
    if (words === '--version') return printed('OpenConnect server control (occtl) version 9.9')
    if (words === '--help')
      return printed(this.canTerminate ? ' terminate id [ID]\tTerminates' : ' disconnect id [ID]')
    const [verb, , subject] = args
    if (verb === 'unban') {
      const isBanned = this.bans.includes(subject ?? '')
      this.bans = this.bans.filter((address) => address !== subject)
      return { ...printed(''), code: isBanned ? 0 : 1 }
    }
    const found = this.tunnels.find(({ id }) => id === subject)
    if (found === undefined || this.isStubborn) return { ...printed(''), code: 1 }
    this.tunnels = this.tunnels.filter((each) => each !== found)
    if (verb === 'disconnect' && this.keepsCookies) this.cookies.push(found)
    return printed('')
  }
}

function asListed({ id, session, user, address = '192.0.2.9', ipv4 = '10.8.0.9' }: FakeSession) {
  return { ID: id, Username: user, 'Remote IP': address, IPv4: ipv4, 'Full session': session }
}

function printed(what: unknown): OcctlOutput {
  const text = typeof what === 'string' ? what : JSON.stringify(what)
  return { code: 0, stdout: Buffer.from(text), stderr: '' }
}
