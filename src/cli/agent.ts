import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { Command, Option } from 'commander'
import packageFile from '../../package.json' with { type: 'json' }
import { Agent } from '../agent/agent.ts'
import { Broker } from '../agent/broker.ts'
import { Occtl } from '../agent/occtl.ts'
import { AgentRefused } from '../agent/refused.ts'
import { type Report, reportOf } from '../agent/report.ts'
import { runOcctl } from '../agent/run-occtl.ts'
import { readSecretFile } from '../config/secret-file.ts'
import { systemClock } from '../domain/clock.ts'
import { messageOf, OperatorError, Unavailable } from '../domain/errors.ts'
import { isWithin, LOOPBACK } from '../domain/network.ts'
import { systemRandom } from '../domain/random.ts'
import type { Secret } from '../domain/secret.ts'
import { ValueError } from '../schema/config-error.ts'
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
  if (!/^[\p{L}\p{N}][\p{L}\p{N}._-]*$/u.test(gateway))
    throw new OperatorError(`--gateway: "${gateway}" is no gateway's name`)
  const token = () => tokenIn(resolve(tokenFile))
  // A mistake in its name or its mode is told at once.
  await token()
  const authority = caFile === undefined ? undefined : await authorityIn(caFile)
  const broker = new Broker({ url: urlOf(options.broker), gateway, token, authority })
  const occtl = new Occtl(runOcctl(socket))
  const identity = { version: packageFile.version, host: hostname() }
  if (once === true) return printed(json, await reportOnce(broker, occtl, identity))
  // Only a process that stays writes a log.
  const { jsonLog } = await import('../observe/log.ts')
  const runtime = { clock: systemClock, log: jsonLog({ level: 'info' }), random: systemRandom }
  runtime.log.info('agent.started', { ...identity, gateway, broker: options.broker })
  await new Agent({ broker, occtl, socket, identity, runtime }).run(untilTold())
}

function urlOf(text: string): URL {
  const url = URL.parse(text)
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '' || url.search !== '')
    throw new OperatorError(`--broker: "${text}" is no address such as https://broker.example:8443`)
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  if (url.protocol === 'http:' && host !== 'localhost' && !isWithin(LOOPBACK, host))
    throw new OperatorError(
      `--broker: ${url.origin} would send the token unencrypted; only https may go to another machine (http.tls of the broker)`,
    )
  return url
}

async function tokenIn(file: string): Promise<Secret> {
  const remedy = `write the token into it that "ocbroker token create" prints: (umask 027; cat > ${file})`
  const token = await readSecretFile(file, undefined, remedy)
  if (token instanceof ValueError)
    throw new OperatorError(`--token-file: ${[token.problem, token.suggestion ?? []].flat().join(': ')}`)
  return token
}

async function authorityIn(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new OperatorError(`--ca-file: ${messageOf(error)}`)
  }
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
