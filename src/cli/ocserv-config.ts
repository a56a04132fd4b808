import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { giveToOwner, ownerOf } from '../app/folder-owner.ts'
import { expectationOf } from '../app/gateway-expectation.ts'
import { withConfig } from '../app/own-calls.ts'
import type { Config } from '../config/schema.ts'
import type { Expectation } from '../doctor/gateway/expectation.ts'
import { messageOf, OperatorError } from '../domain/errors.ts'
import type { Gateway } from '../domain/gateway.ts'
import { isWithin, LOOPBACK } from '../domain/network.ts'
import { agentCommands, agentFiles } from './agent-units.ts'
import { type CommonOptions, command, readConfig } from './command.ts'
import { bracketed, type Files, gatewayFiles, SERVERS_FILE } from './gateway-files.ts'
import { print } from './output.ts'

interface Options extends CommonOptions {
  readonly server?: readonly string[]
  readonly cert: string
  readonly key: string
  readonly write?: string
}

/** What the doctor of the gateway compares with. */
const EXPECTATION_FILE = '/etc/ocbroker/gateway.json'
const PRIVATE_FILES = [SERVERS_FILE, EXPECTATION_FILE]
/** Leaves the modes of /etc, and the owners of its files, alone. */
const UNPACK = 'tar -x -C / --no-overwrite-dir --no-same-owner --backup=simple --suffix=.before'
const PLACEHOLDER = 'SECRET'
/** RFC 6614 §2.3. */
const SECRET_OVER_TLS = 'radsec'

export function ocservConfigCommand(): Command {
  return command('ocserv-config')
    .argument('<gateway>', 'its name in the configuration')
    .addOption(
      new Option(
        '--server <address>',
        'where the gateway reaches the broker, if not at the address that it listens on; again for each further broker',
      ).argParser((address: string, before: readonly string[] = []) => [...before, address]),
    )
    .option(
      '--cert <file>',
      "ocserv's certificate with its chain, on the gateway",
      '/etc/ocserv/server-cert.pem',
    )
    .option('--key <file>', 'its key', '/etc/ocserv/server-key.pem')
    .option(
      '--write <folder>',
      'write the files, with the shared secret, into this folder in place of printing them',
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
  const tls = gateway.certificates && config.radius.tls
  const servers = (options.server ?? [addressOf(tls?.addresses ?? config.radius.addresses)]).map((server) =>
    server.replaceAll(/^\[|\]$/g, ''),
  )
  const expectation = await expectationOf(config, gateway, servers)
  const agent = agentOf(name, httpAddressOf(config, servers[0] ?? ''), options.config)
  const filesWith = (secret: string) =>
    gatewayFiles({
      gateway,
      expectation,
      certificate: options.cert,
      key: options.key,
      secret,
      tlsPort: tls?.port,
    })
  if (options.write !== undefined) {
    const files = { ...filesWith(secretOf(gateway)), ...agent?.files, ...expectationFile(expectation) }
    const written = await writeAll(resolve(options.write), files)
    print(options.json, { written }, () => [...written, '', ...nextSteps(options.write ?? '', agent)])
    return
  }
  const files = filesWith(gateway.certificates === undefined ? PLACEHOLDER : SECRET_OVER_TLS)
  print(options.json, { ...expectation, files, agent }, () => [...inFull(files), ...inFullOfAgent(agent)])
}

/** @param broker where agents reach it; absent: nowhere. */
function agentOf(gateway: string, broker: string | undefined, configFile: string) {
  if (broker === undefined) return undefined
  const [first = '', ...others] = agentCommands({ gateway, broker })
  const commands = [withConfig(first, configFile), ...others]
  return { commands, files: agentFiles({ gateway, broker }) }
}

type PrintedAgent = ReturnType<typeof agentOf>

function inFull(files: Files): readonly string[] {
  return Object.entries(files).flatMap(([file, lines]) => [`# ==> ${file} <==`, ...lines, ''])
}

const NO_AGENT = '# Without http in its configuration the broker has no agents, and ends no session.'

function inFullOfAgent(agent: PrintedAgent): readonly string[] {
  if (agent === undefined) return [NO_AGENT]
  const heading =
    '# The agent, which ends sessions and tells which there are: the first command is for the broker'
  return [heading, ...agent.commands, '', ...inFull(agent.files)]
}

function nextSteps(folder: string, agent: PrintedAgent): readonly string[] {
  return [
    '# To put them in place; what is there gets names that end in .before:',
    `tar -C ${folder} -c etc | ssh root@GATEWAY ${UNPACK}`,
    '# There: ocserv -t -c /etc/ocserv/ocserv.conf && systemctl restart ocserv',
    `# There, to look at everything: ocbroker doctor --gateway /etc/ocserv/ocserv.conf --expect ${EXPECTATION_FILE}`,
    ...(agent === undefined ? [NO_AGENT] : ['# For the agent, the first for the broker:', ...agent.commands]),
  ]
}

function expectationFile(expectation: Expectation): Files {
  return { [EXPECTATION_FILE]: JSON.stringify(expectation, undefined, 2).split('\n') }
}

/** radcli cuts a secret at a blank. @throws OperatorError */
function secretOf({ name, secret, certificates }: Gateway): string {
  const text = certificates === undefined ? secret?.reveal() : SECRET_OVER_TLS
  if (text === undefined) throw new OperatorError(`${name} has no shared secret`)
  if (!/\s/.test(text)) return text
  throw new OperatorError(
    `the shared secret of ${name} holds a blank, at which radcli cuts it: take another secret`,
  )
}

/** Writes all files below the folder; replaces none. @returns their paths. @throws OperatorError */
async function writeAll(folder: string, files: Files): Promise<readonly string[]> {
  const paths = Object.keys(files).map((file) => join(folder, file))
  const there = paths.filter((path) => existsSync(path))
  if (there.length > 0)
    throw new OperatorError(`${there.join(', ')}: there already. Nothing was written: name another folder`)
  try {
    for (const [file, lines] of Object.entries(files)) {
      const path = join(folder, file)
      const owner = ownerOf(dirname(path))
      mkdirSync(dirname(path), { recursive: true })
      // The last line needs its end: radcli cuts off a character where it is missing.
      writeFileSync(path, `${lines.join('\n')}\n`, {
        flag: 'wx',
        mode: PRIVATE_FILES.includes(file) ? 0o600 : 0o644,
      })
      await giveToOwner(path, owner)
    }
  } catch (error) {
    throw new OperatorError(`the files cannot be written: ${messageOf(error)}`, { cause: error })
  }
  return paths
}

/** Where agents reach the broker. They send their token unencrypted to this machine only. */
function httpAddressOf({ http, portal }: Config, server: string): string | undefined {
  if (http === undefined) return undefined
  if (portal.publicUrl !== undefined) return portal.publicUrl
  const isPlain = http.tls === undefined && isWithin(LOOPBACK, server)
  return `${isPlain ? 'http' : 'https'}://${bracketed(server)}:${http.port}`
}

function addressOf([address = '127.0.0.1']: readonly string[]): string {
  if (address === '0.0.0.0' || address === '::') {
    throw new OperatorError(
      'the broker listens on every address; say with --server at which one the gateway reaches it',
    )
  }
  return address
}
