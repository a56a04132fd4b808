import type { Command } from 'commander'
import type { Config } from '../config/shape.ts'
import type { Gateway } from '../domain/gateway.ts'
import { Complaint } from './complaint.ts'
import { type CommonOptions, readConfig, verb } from './office.ts'
import { print } from './output.ts'

interface Options extends CommonOptions {
  readonly server?: string
}

export function ocservConfigCommand(): Command {
  return verb('ocserv-config', 'print what ocserv and radcli on a gateway need in order to ask this broker')
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
    throw new Complaint(`there is no gateway named ${name}; there is ${names}`)
  }
  const files = filesFor(gateway, config, options.server ?? addressOf(config))
  print(options.json, { gateway: name, files }, () =>
    Object.entries(files).flatMap(([file, lines]) => [`# ${file}`, ...lines, '']),
  )
}

/** The lines that each file on the gateway must hold. The shared secret is named, not shown. */
function filesFor(gateway: Gateway, config: Config, server: string): Record<string, string[]> {
  const { authPort, acctPort, deadlineMs } = config.radius
  const policies = config.policies.filter(({ when }) => when.gateways?.includes(gateway.name) ?? true)
  const groups = new Set(policies.flatMap(({ reply }) => reply?.groups ?? []))
  // radcli must wait longer than the broker takes at most, and a lost packet must be sent again before that.
  const patience = Math.ceil(deadlineMs / 1000) + 1
  return {
    '/etc/ocserv/ocserv.conf': [
      'auth = "radius[config=/etc/radcli/radiusclient.conf,groupconfig=true]"',
      'acct = "radius[config=/etc/radcli/radiusclient.conf]"',
      'stats-report-time = 300',
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
    '/etc/radcli/servers': [`${server} SECRET   # in place of SECRET: the shared secret of ${gateway.name}`],
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
    throw new Complaint(
      'the broker listens on every address; say with --server at which one the gateway reaches it',
    )
  }
  return address.includes(':') ? `[${address}]` : address
}
