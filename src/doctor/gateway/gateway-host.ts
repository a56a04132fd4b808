import { lookup } from 'node:dns/promises'
import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { canonicalAddress } from '../../domain/network.ts'
import type { Finding } from '../finding.ts'
import type { Expectation, ReportedDrop } from './expectation.ts'
import { type OcservConf, readOcservConf } from './ocserv-conf.ts'
import { type ProgramRun, runProgram } from './programs.ts'
import { type RadiusMethod, radiusMethodOf } from './radius-method.ts'
import { type RadcliServer, type RadiusclientConf, readRadiusclientConf } from './radiusclient-conf.ts'
import { secretFor, type TakenSecret } from './servers-file.ts'

export type Service = 'auth' | 'acct'

/**
 * What came back for a Status-Server. `swapped`: the answer of the other port. `forged`: one that is not signed with the
 * secret. `refused`: nobody listens there.
 */
export type Probe = 'answers' | 'swapped' | 'forged' | 'refused' | 'silent'

/** Sends a signed Status-Server (RFC 5997) and waits for less than a check may take. */
export type AskForStatus = (question: {
  readonly service: Service
  readonly address: string
  readonly port: number
  readonly secret: string
  readonly nasIdentifier: string | undefined
  /** The address to ask from; absent: as the system chooses. */
  readonly from: string | undefined
}) => Promise<Probe>

export interface GatewayHostOptions {
  /** ocserv.conf */
  readonly file: string
  readonly expectation: Expectation | undefined
  readonly askForStatus: AskForStatus
  /** What came of asking the running broker; absent: it was not asked. */
  readonly brokerAnswer?: Finding
  /** Asks the broker what it drops of this gateway now; absent: it cannot be asked. */
  readonly askForDrops?: () => Promise<readonly ReportedDrop[]>
}

/** radiusclient.conf as radcli reads it. */
export interface Radcli extends RadiusclientConf {
  readonly file: string
}

const PORTS: Readonly<Record<Service, number>> = { auth: 1812, acct: 1813 }

/** The machine on which a gateway runs. What several checks look at is looked at once. */
export class GatewayHost {
  readonly #options: GatewayHostOptions
  readonly #known = new Map<string, Promise<unknown>>()

  constructor(options: GatewayHostOptions) {
    this.#options = options
  }

  get file(): string {
    return this.#options.file
  }

  get expectation(): Expectation | undefined {
    return this.#options.expectation
  }

  get brokerAnswer(): Finding | undefined {
    return this.#options.brokerAnswer
  }

  conf(): Promise<OcservConf> {
    return this.#once('conf', async () => readOcservConf(await readFile(this.file, 'utf8')))
  }

  /** What ocserv itself says of its configuration. */
  tested(): Promise<ProgramRun | undefined> {
    return this.#once('tested', () => runProgram('ocserv', ['-t', '-c', this.file]))
  }

  async radius(service: Service): Promise<RadiusMethod | undefined> {
    return radiusMethodOf((await this.conf()).main, service)
  }

  /** Where accounting has no line of its own, that of authentication counts. @returns undefined where neither is RADIUS. */
  async radcli(service: Service = 'auth'): Promise<Radcli | undefined> {
    const method = (await this.radius(service)) ?? (await this.radius('auth'))
    if (method === undefined) return undefined
    const { config } = method
    return this.#once(`radcli ${config}`, async () => {
      const text = await readFile(config, 'utf8')
      return { file: config, ...readRadiusclientConf(text) }
    })
  }

  /** The server that is asked first. */
  async server(service: Service): Promise<RadcliServer | undefined> {
    const radcli = await this.radcli(service).catch(() => undefined)
    return service === 'auth' ? radcli?.authServers[0] : radcli?.acctServers[0]
  }

  portOf(service: Service, server: RadcliServer): number {
    return server.port ?? PORTS[service]
  }

  /** The secret that radcli takes for the first server. @returns undefined where it finds none. */
  async secret(service: Service = 'auth'): Promise<(TakenSecret & { readonly file: string }) | undefined> {
    const [radcli, server] = [await this.radcli(service).catch(() => undefined), await this.server(service)]
    if (radcli === undefined || server === undefined) return undefined
    const { file, values } = radcli
    if (server.secret !== undefined)
      return { secret: server.secret, line: server.line, isGuessed: false, file }
    const servers = values.get('servers') ?? ''
    return this.#once(`secret ${servers} ${server.host}`, async () => {
      const text = await readFile(servers, 'utf8').catch(() => '')
      const taken = await secretFor(text, server.host, (host) => this.addressesOf(host))
      return taken && { ...taken, file: servers }
    })
  }

  async nasIdentifier(): Promise<string | undefined> {
    const radcli = await this.radcli().catch(() => undefined)
    return (await this.radius('auth'))?.nasIdentifier ?? radcli?.values.get('nas-identifier')
  }

  /** The address that radcli is told to ask from. */
  async boundTo(): Promise<string | undefined> {
    const bound = (await this.radcli().catch(() => undefined))?.values.get('bindaddr')
    return bound === undefined || bound === '*' || bound === '' ? undefined : bound
  }

  /** @returns undefined where there is no server or no secret to ask with. */
  probe(service: Service): Promise<Probe | undefined> {
    return this.#once(`probe ${service}`, async () => {
      const [server, taken] = [await this.server(service), await this.secret(service)]
      const [address] = server === undefined ? [] : await this.addressesOf(server.host)
      if (server === undefined || taken === undefined || address === undefined) return undefined
      return this.#options.askForStatus({
        service,
        address,
        port: this.portOf(service, server),
        secret: taken.secret,
        nasIdentifier: await this.nasIdentifier(),
        from: await this.boundTo(),
      })
    })
  }

  /** What the broker drops of this gateway, the probes of this program included. */
  drops(): Promise<readonly ReportedDrop[]> {
    return this.#once('drops', async () => {
      await Promise.all([this.probe('auth'), this.probe('acct')])
      return (await this.#options.askForDrops?.().catch(() => [])) ?? []
    })
  }

  /** As the system answers, /etc/hosts included; none for a name without an address. */
  addressesOf(host: string): Promise<readonly string[]> {
    if (isIP(host) !== 0) return Promise.resolve([canonicalAddress(host)])
    return this.#once(`addresses ${host}`, async () => {
      if (!/^[A-Za-z0-9]/.test(host) || /[:/]/.test(host)) return []
      const found = await lookup(host, { all: true }).catch(() => [])
      return found.map(({ address }) => canonicalAddress(address))
    })
  }

  #once<T>(what: string, look: () => Promise<T>): Promise<T> {
    const known = this.#known.get(what)
    if (known !== undefined) return known as Promise<T>
    const looked = look()
    this.#known.set(what, looked)
    return looked
  }
}
