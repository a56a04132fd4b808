import { Unavailable } from '../domain/errors.ts'
import { parseAddress } from '../domain/network.ts'
import {
  type Ban,
  bansIn,
  cookiesIn,
  type ListedSession,
  SHORT_SESSION,
  type Tunnel,
  tunnelsIn,
} from './listing.ts'
import type { RunOcctl } from './run-occtl.ts'
import { withWholeNames } from './whole-names.ts'

/** Everything that the agent asks occtl; beside these it only ends a session by its number and removes a ban. */
const ASK = {
  tunnels: ['-j', 'show', 'users'],
  tunnelTable: ['show', 'users'],
  cookies: ['-j', 'show', 'sessions', 'valid'],
  cookieTable: ['show', 'sessions', 'valid'],
  bans: ['-j', 'show', 'ip', 'bans'],
  help: ['--help'],
  version: ['--version'],
} as const

/** Prints a line for each client that comes or goes, until it is ended. */
export const EVENTS = ['-j', 'show', 'events'] as const

const ID = /^[0-9]+$/

export interface OcctlVersion {
  readonly version: string
  /** Whether `terminate` exists (ocserv 1.4.2), which also forgets the cookie. */
  readonly canTerminate: boolean
}

/** ocserv's own command, with fixed words. Every method throws `Unavailable` where ocserv does not answer. */
export class Occtl {
  readonly #run: RunOcctl
  #version: OcctlVersion | undefined

  constructor(run: RunOcctl) {
    this.#run = run
  }

  /** Looks again: ocserv may have been updated. */
  async inspect(): Promise<OcctlVersion> {
    const [help, { stdout, stderr }] = [await this.#run(ASK.help), await this.#run(ASK.version)]
    this.#version = {
      version: /version (\S{1,64})/.exec(stdout.toString('utf8') + stderr)?.[1] ?? 'unknown',
      canTerminate: /^\s*terminate id\b/m.test(help.stdout.toString('utf8')),
    }
    return this.#version
  }

  /** The sessions that have a tunnel now. */
  async tunnels(): Promise<readonly Tunnel[]> {
    const tunnels = tunnelsIn(await this.#listing(ASK.tunnels))
    if (tunnels.every(({ isNameKnown }) => isNameKnown)) return tunnels
    return withWholeNames(tunnels, await this.#table(ASK.tunnelTable), ({ id }) => id)
  }

  /** The sessions that may come back without a login, those with a tunnel among them. */
  async cookies(): Promise<readonly ListedSession[]> {
    const cookies = cookiesIn(await this.#listing(ASK.cookies))
    if (cookies.every(({ isNameKnown }) => isNameKnown)) return cookies
    return withWholeNames(cookies, await this.#table(ASK.cookieTable), ({ acctSession }) =>
      acctSession.slice(0, SHORT_SESSION),
    )
  }

  async bans(): Promise<readonly Ban[]> {
    return bansIn(await this.#listing(ASK.bans))
  }

  /** @param id of a tunnel of the list. @returns whether ocserv ended it. */
  async end({ id }: Pick<Tunnel, 'id'>): Promise<boolean> {
    if (!ID.test(id)) throw new Error('a session is ended by its number only')
    const { canTerminate } = this.#version ?? (await this.inspect())
    return (await this.#run([canTerminate ? 'terminate' : 'disconnect', 'id', id])).code === 0
  }

  /** @returns whether ocserv removed the ban; undefined for what is not an address. */
  async unban(address: string): Promise<boolean | undefined> {
    const parsed = parseAddress(address)
    if (parsed === undefined) return undefined
    return (await this.#run(['unban', 'ip', parsed.toString()])).code === 0
  }

  async #listing(words: readonly string[]): Promise<string> {
    return (await this.#table(words)).toString('utf8')
  }

  async #table(words: readonly string[]): Promise<Buffer> {
    const { code, stdout, stderr } = await this.#run(words)
    if (code === 0) return stdout
    throw new Unavailable('occtl', `"${words.join(' ')}" failed (${code}): ${stderr.trim().slice(0, 200)}`)
  }
}
