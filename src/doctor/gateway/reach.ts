import { type Finding, fault, notApplicable, ok } from '../finding.ts'
import type { ReportedDrop } from './expectation.ts'
import { type GatewayCheck, NO_RADIUS } from './gateway-check.ts'
import type { GatewayHost, Probe, Service } from './gateway-host.ts'
import { checkRadcliFiles, checkRadcliSyntax } from './radcli-files.ts'
import { checkSigning } from './radcli-settings.ts'
import { checkSecret } from './secret.ts'
import { checkServerAddress } from './server-address.ts'
import { checkSourceAddress } from './source-address.ts'

/** Each names a cause of silence better than silence does. */
const CAUSES = [
  checkRadcliSyntax,
  checkRadcliFiles,
  checkServerAddress,
  checkSourceAddress,
  checkSecret,
  checkSigning,
]
const NAMES = 'radcli-syntax, radcli-files, server-address, source-address, secret or signs'

/** Whether the broker answers from here, with the secret that radcli takes. */
export const checkReach: GatewayCheck = async (host) => {
  const services = ['auth', 'acct'] as const
  const findings = (await Promise.all(services.map((service) => reach(host, service)))).flat()
  return findings.length > 0 ? findings : [notApplicable('broker', NO_RADIUS)]
}

async function reach(host: GatewayHost, service: Service): Promise<readonly Finding[]> {
  const server = await host.server(service)
  if (server === undefined) return []
  const port = host.portOf(service, server)
  const about = `broker at ${server.host} port ${port}`
  const causes = Promise.all(CAUSES.map((check) => check(host)))
  const [probe, known] = await Promise.all([host.probe(service), causes])
  const isExplained = known.flat().some(({ verdict }) => verdict === 'fault')
  const drop = isExplained ? undefined : await dropOf(host, service)
  if (drop !== undefined)
    return [
      fault(
        about,
        `every ${WORDS[drop.kind]} from ${drop.source} is dropped there: ${drop.cause}`,
        drop.remedy,
      ),
    ]
  if (probe === 'answers') return [ok(about, 'answers')]
  if (isExplained) return [notApplicable(about, `does not answer, for what ${NAMES} says`)]
  return [unexplained(about, probe)]
}

const WORDS = { login: 'login', accounting: 'accounting report', status: 'Status-Server' } as const
const KINDS: Readonly<Record<Service, ReportedDrop['kind']>> = { auth: 'login', acct: 'accounting' }

/** What the broker says of these requests, or of the probe, where nothing of it was answered since. */
async function dropOf(host: GatewayHost, service: Service): Promise<ReportedDrop | undefined> {
  const all = (await host.drops()).filter(({ state }) => state === 'every')
  const own = all.find(({ kind }) => kind === KINDS[service])
  if (own !== undefined || (await host.probe(service)) !== 'silent') return own
  // It was dropped by its address, of which every request is.
  return all.find(({ kind }) => kind === 'status')
}

function unexplained(about: string, probe: Probe | undefined): Finding {
  const onBroker = 'on the broker: ocbroker doctor'
  if (probe === 'refused')
    return fault(about, 'nobody listens there: is the broker running, and not on loopback alone?', onBroker)
  if (probe === 'forged')
    return fault(
      about,
      'answers with another secret',
      'write the secret of this gateway into the servers file',
    )
  return fault(
    about,
    'no answer comes: a firewall on the way, a broker that does not know this gateway, or another secret; the broker’s log says what it drops (datagram.dropped)',
    onBroker,
  )
}
