import type { AgentBan, AgentGateway, ReportedSession } from '../../domain/agent.ts'
import { canonicalAddress, stationAddress } from '../../domain/network.ts'
import type { OrderOutcome, OrderResult } from '../../domain/session-order.ts'
import { AgentReports } from '../../manage/agent-reports.ts'
import { Problem } from '../problem.ts'
import type { HttpServices } from '../services.ts'
import { refuseOtherProtocol } from './agent-protocol.ts'
import type { Handlers } from './call.ts'

type ReportServices = Pick<HttpServices, 'clock' | 'agentGateways'> & {
  readonly records: Pick<HttpServices['records'], 'orders' | 'agents' | 'sessions'>
}

/** Characters that a client may have put into a name or that end a line of a log. */
const CONTROL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]+/gu
/** What an agent that says of bans can say of them: as much as an operator looks at. */
const MOST_BANS = 1_000

/** What agents tell: what they did, and which sessions there are. */
export function agentReportRoutes({ records, clock, agentGateways }: ReportServices): Handlers {
  const { agents, orders, sessions } = records
  const reports = new AgentReports({ agents, sessions, clock })

  function gatewayNamed(name: string): AgentGateway {
    const found = agentGateways.find((each) => each.name === name)
    if (found === undefined)
      throw new Problem('not-found', { detail: 'The configuration has no gateway of this name.' })
    return found
  }

  return {
    async takeAgentResults(call) {
      const { results } = call.body<{ results: readonly ResultBody[] }>()
      const gateway = gatewayNamed(call.path('gateway'))
      await orders.close(gateway.name, results.map(resultOf), call.caller.actor, clock.now())
      return { status: 204 }
    },

    async takeAgentReport(call) {
      const body = call.body<ReportBody>()
      const gateway = gatewayNamed(call.path('gateway'))
      const said = { host: plain(body.agent.host), version: plain(body.agent.version) }
      await refuseOtherProtocol(body.agent.protocol, { call, agents, clock, said })
      const listed = body.sessions.filter(isUsable)
      const ocservVersion = body.ocserv?.version
      const agent = {
        ...said,
        gateway: gateway.name,
        protocol: body.agent.protocol,
        ...(ocservVersion !== undefined && { ocservVersion: plain(ocservVersion) }),
        token: call.caller.name,
        heardAt: clock.now(),
        sessions: listed.length,
        bans: (body.bans ?? []).slice(0, MOST_BANS).map(banOf),
      }
      await reports.take({ agent, sessions: listed.map(sessionOf), cookies: body.cookies ?? [] }, gateway)
      return { status: 204 }
    },
  }
}

interface ResultBody {
  readonly id: string
  readonly outcome: OrderOutcome
  readonly detail?: string
  readonly ended?: readonly string[]
}

interface SessionBody {
  readonly acct_session: string
  readonly user: string
  readonly address?: string
  readonly ipv4?: string
  readonly ipv6?: string
  readonly connected_at?: string
  readonly octets_in?: number
  readonly octets_out?: number
}

interface ReportBody {
  readonly agent: { readonly version: string; readonly protocol: number; readonly host: string }
  readonly ocserv?: { readonly version?: string }
  readonly sessions: readonly SessionBody[]
  readonly cookies?: readonly string[]
  readonly bans?: readonly AgentBan[]
}

function resultOf({ id, outcome, detail }: ResultBody): OrderResult {
  return detail === undefined ? { id, outcome } : { id, outcome, detail: plain(detail) }
}

/** No store keeps a NUL, and no session is without a name. */
function isUsable({ acct_session, user }: SessionBody): boolean {
  return acct_session !== '' && user !== '' && !`${acct_session}${user}`.includes('\0')
}

function sessionOf(body: SessionBody): ReportedSession {
  const connectedAt = body.connected_at === undefined ? Number.NaN : Date.parse(body.connected_at)
  return {
    acctSession: body.acct_session,
    user: body.user,
    ...(body.address && { address: stationAddress(plain(body.address)) }),
    ...(body.ipv4 && { ipv4: canonicalAddress(plain(body.ipv4)) }),
    ...(body.ipv6 && { ipv6: canonicalAddress(plain(body.ipv6)) }),
    ...(Number.isFinite(connectedAt) && { connectedAt }),
    octetsIn: body.octets_in ?? 0,
    octetsOut: body.octets_out ?? 0,
  }
}

function banOf({ address, score }: AgentBan): AgentBan {
  return { address: canonicalAddress(plain(address)), score }
}

/** One line that can be shown. */
function plain(text: string): string {
  return text.replaceAll(CONTROL, ' ').trim()
}
