import { hostname } from 'node:os'
import { Command, Option } from 'commander'
import packageFile from '../../package.json' with { type: 'json' }
import { Agent } from '../agent/agent.ts'
import type { Broker } from '../agent/broker.ts'
import { Occtl } from '../agent/occtl.ts'
import { AgentRefused } from '../agent/refused.ts'
import { type Report, reportOf } from '../agent/report.ts'
import { runOcctl } from '../agent/run-occtl.ts'
import { systemClock } from '../domain/clock.ts'
import { Unavailable } from '../domain/errors.ts'
import { systemRandom } from '../domain/random.ts'
import { openBroker } from './agent-broker.ts'
import { octets, print, table } from './output.ts'

interface Options {
  readonly broker: string
  readonly tokenFile: string
  readonly gateway: string
  readonly socket?: string
  readonly caFile?: string
  readonly once?: boolean
  readonly json?: boolean
}

/** Needs no configuration of the broker: it runs on the gateway. */
export function agentCommand(): Command {
  return new Command('agent')
    .addOption(required('--broker <url>', 'where the broker answers HTTP', 'BROKER'))
    .addOption(required('--gateway <name>', 'the gateway, as the broker calls it', 'GATEWAY'))
    .addOption(required('--token-file <file>', 'holds a token with the scope gateway:NAME', 'TOKEN_FILE'))
    .addOption(optional('--socket <path>', "ocserv's occtl-socket-file, if not at its usual place", 'SOCKET'))
    .addOption(optional('--ca-file <file>', "the authority of the broker's certificate, in PEM", 'CA_FILE'))
    .option('--once', 'send one report, print it and end')
    .option('--json', 'print JSON')
    .exitOverride()
    .action(agent)
}

function required(flags: string, about: string, variable: string): Option {
  return optional(flags, about, variable).makeOptionMandatory()
}

function optional(flags: string, about: string, variable: string): Option {
  return new Option(flags, about).env(`OCBROKER_AGENT_${variable}`)
}

async function agent({ gateway, socket, tokenFile, caFile, once, json, ...options }: Options): Promise<void> {
  const broker = await openBroker({ ...options, gateway, tokenFile, caFile })
  const occtl = new Occtl(runOcctl(socket))
  const identity = { version: packageFile.version, host: hostname() }
  if (once === true) return printed(json, await reportOnce(broker, occtl, identity))
  // Only a process that stays writes a log.
  const { jsonLog } = await import('../observe/log.ts')
  const runtime = { clock: systemClock, log: jsonLog({ level: 'info' }), random: systemRandom }
  runtime.log.info('agent.started', { ...identity, gateway, broker: options.broker })
  await new Agent({ broker, occtl, socket, identity, runtime }).run(untilTold())
}

/** @throws AgentRefused with a cause of its own for each part that does not answer. */
async function reportOnce(...[broker, occtl, identity]: [Broker, Occtl, Parameters<typeof reportOf>[1]]) {
  try {
    const report = await reportOf(occtl, identity)
    await broker.tell('reports', report)
    return report
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error
    throw new AgentRefused(error.what === 'occtl' ? 'occtl' : 'broker', error.message)
  } finally {
    broker.close()
  }
}

function printed(json: boolean | undefined, report: Report): void {
  const { agent: own, ocserv, sessions, cookies, bans } = report
  print(json, report, () => [
    `ocserv ${ocserv.version} on ${own.host}: ${sessions.length} connected, ${cookies.length} that may come back, ${bans.length} banned`,
    ...table(
      ['USER', 'ADDRESS', 'VPN', 'IN', 'OUT', 'SESSION'],
      sessions.map((session) => [
        session.user,
        session.address ?? '-',
        session.ipv4 ?? session.ipv6 ?? '-',
        octets(session.octets_in),
        octets(session.octets_out),
        session.acct_session,
      ]),
    ),
    ...bans.map(({ address, score }) => `banned: ${address} (${score} points)`),
  ])
}

function untilTold(): AbortSignal {
  const stop = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort())
  return stop.signal
}
