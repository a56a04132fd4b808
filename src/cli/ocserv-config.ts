import type { Command } from 'commander'
import type { Config } from '../config/schema.ts'
import { OperatorError } from '../domain/errors.ts'
import type { Gateway } from '../domain/gateway.ts'
import { isWithin, LOOPBACK } from '../domain/network.ts'
import { agentCommands, agentFiles, OCCTL_LINES } from './agent-units.ts'
import { type CommonOptions, command, readConfig } from './command.ts'
import { expectationOf, policiesAt } from './gateway-expectation.ts'
import { print } from './output.ts'

interface Options extends CommonOptions {
  readonly server?: string
}

export function ocservConfigCommand(): Command {
  return command('ocserv-config')
    .argument('<gateway>', 'its name in the configuration')
    .option(
      '--server <address>',
      'where the gateway reaches the broker, if not at the address that it listens on',
    )
    .action(ocservConfig)
}

async function ocservConfig(name: string, options: Options): Promise<void> {
  const config = await readConfig(options)
  const gateway = config.gateways.find((each) => each.name === name)
  if (gateway === undefined) {
    const names = config.gateways.map((each) => each.name).join(', ')
    throw new OperatorError(`there is no gateway named ${name}; there is ${names}`)
  }
  const server = options.server?.replaceAll(/^\[|\]$/g, '') ?? addressOf(config)
  const host = server.includes(':') ? `[${server}]` : server
  const files = filesFor(gateway, config, host)
  const agent = agentOf(name, httpAddressOf(config, server, host))
  const expectation = await expectationOf(config, gateway, [server])
  print(options.json, { ...expectation, files, agent }, () => [...inFull(files), ...inFullOfAgent(agent)])
}

type Files = Readonly<Record<string, readonly string[]>>

/** @param broker where agents reach it; absent: nowhere. */
function agentOf(gateway: string, broker: string | undefined) {
  if (broker === undefined) return undefined
  return { commands: agentCommands({ gateway, broker }), files: agentFiles({ gateway, broker }) }
}

function inFull(files: Files): readonly string[] {
  return Object.entries(files).flatMap(([file, lines]) => [`# ${file}`, ...lines, ''])
}

function inFullOfAgent(agent: ReturnType<typeof agentOf>): readonly string[] {
  if (agent === undefined)
    return ['# Without http in its configuration the broker has no agents, and ends no session.']
  const heading =
    '# The agent, which ends sessions and tells which there are: the first command is for the broker'
  return [heading, ...agent.commands, '', ...inFull(agent.files)]
}

/** Where agents reach the broker. They send their token unencrypted to this machine only. */
function httpAddressOf({ http, portal }: Config, server: string, host: string): string | undefined {
  if (http === undefined) return undefined
  if (portal.publicUrl !== undefined) return portal.publicUrl
  const isPlain = http.tls === undefined && isWithin(LOOPBACK, server)
  return `${isPlain ? 'http' : 'https'}://${host}:${http.port}`
}

/** The lines that each file on the gateway must hold. The shared secret is named, not shown. */
function filesFor(gateway: Gateway, config: Config, server: string): Record<string, string[]> {
  const { authPort, acctPort, deadlineMs } = config.radius
  const groups = new Set(policiesAt(config, gateway).flatMap(({ reply }) => reply?.groups ?? []))
  // radcli must wait longer than the broker takes at most, and a lost packet must be sent again before that.
  const patience = Math.ceil(deadlineMs / 1000) + 1
  return {
    '/etc/ocserv/ocserv.conf': [
      'auth = "radius[config=/etc/radcli/radiusclient.conf,groupconfig=true]"',
      'acct = "radius[config=/etc/radcli/radiusclient.conf]"',
      'stats-report-time = 300',
      ...OCCTL_LINES,
      ...[...groups].map((group) => `select-group = ${group}`),
    ],
    '/etc/radcli/radiusclient.conf': [
      `nas-identifier ${gateway.name}`,
      `authserver ${server}:${authPort}`,
      `acctserver ${server}:${acctPort}`,
      'servers /etc/radcli/servers',
      'dictionary /etc/radcli/dictionary',
      `radius_timeout ${patience}`,
      'radius_retries 2',
      'bindaddr *',
    ],
    '/etc/radcli/servers': [
      `${server.replaceAll(/[[\]]/g, '')} SECRET   # in place of SECRET: the shared secret of ${gateway.name}`,
    ],
    '/etc/radcli/dictionary': [
      '# at its end, or the DNS servers and the speed limits of a reply are ignored in silence:',
      '$INCLUDE /etc/radcli/dictionary.microsoft',
      '$INCLUDE /etc/radcli/dictionary.roaringpenguin',
    ],
  }
}

function addressOf({ radius }: Config): string {
  const [address = '127.0.0.1'] = radius.addresses
  if (address === '0.0.0.0' || address === '::') {
    throw new OperatorError(
      'the broker listens on every address; say with --server at which one the gateway reaches it',
    )
  }
  return address
}
