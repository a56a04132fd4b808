import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { ExpectStatic } from 'vitest'
import { type Broker, type Sections, startBroker } from '../real/broker.ts'
import { temporaryFolder } from '../real/folder.ts'
import { freePort } from '../real/free-port.ts'
import { type Lab, type Namespace, startLab } from '../real/netns.ts'
import { type Ocserv, startOcserv } from '../real/ocserv.ts'
import { outputOf } from '../real/process.ts'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const COMPILED = fileURLToPath(new URL('../../node_modules/.cache/compiled', import.meta.url))
const TEXTS = ['ocserv.conf', 'radiusclient.conf', 'servers', 'dictionary'] as const

type GatewayFile = (typeof TEXTS)[number]
/** Replaces a part of a file of the gateway. */
export type Edit = readonly [file: GatewayFile, from: string | RegExp, to: string]

export interface Finding {
  readonly id: string
  readonly about: string
  readonly verdict: string
  readonly cause: string
  readonly remedy?: string
}

interface How {
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Another gateway than the first. */
  readonly of?: Ocserv
}

/** A broker on one machine and the gateway that asks it on another. */
export interface Site {
  readonly lab: Lab
  readonly broker: Broker
  readonly gateway: Ocserv
  /** The gateway's machine. */
  readonly machine: Namespace
  /** What `ocserv-config` printed at the broker. */
  readonly expectFile: string
  /** Runs doctor on the gateway's machine, with these changes in a copy of the gateway's files. */
  examine(edits?: readonly Edit[], how?: How): Promise<readonly Finding[]>
}

export const SECRET = 'between-gateway-and-broker'

export async function startSite(resources: AsyncDisposableStack, sections: Sections = {}): Promise<Site> {
  const lab = await startLab()
  resources.defer(lab.stop)
  const machine = lab.client
  const port = await freePort()
  const broker = await startBroker({
    place: lab.server,
    sections: {
      radius: { address: '192.0.2.1' },
      gateways: [{ name: 'gw', address: '192.0.2.2', secret: SECRET }],
      http: { address: '192.0.2.1', port, allow: ['192.0.2.0/24'] },
      second_factor: { required: false },
      pools: { staff: { ipv4: '10.8.0.0/26' } },
      policies: [
        {
          name: 'staff',
          reply: { pool: 'staff', routes: ['10.0.0.0/8'], dns: ['10.0.0.53'], groups: ['staff'] },
        },
      ],
      ...sections,
    },
  })
  resources.defer(broker.stop)
  const gateway = await startGateway({ machine, broker })
  resources.defer(gateway.stop)
  await outputOf(machine, 'sysctl', ['-q', '-w', 'net.ipv4.ip_forward=1'])
  const expectFile = broker.folder.file('expect.json')
  writeFileSync(expectFile, JSON.stringify(await broker.ocbroker(['ocserv-config', 'gw'])))
  const examine: Site['examine'] = (edits = [], how = {}) => {
    const { args = ['--expect', expectFile], env = {}, of = gateway } = how
    return examineAt(machine, copyWith(of, edits, resources), args, env)
  }
  return { lab, broker, gateway, machine, expectFile, examine }
}

/** A gateway as `ocserv-config` describes one, and what else its ocserv.conf holds. */
export function startGateway(
  { machine, broker }: Pick<Site, 'machine' | 'broker'>,
  extra: readonly string[] = ['max-ban-score = 20'],
): Promise<Ocserv> {
  const { authPort, acctPort } = broker
  return startOcserv({
    place: machine,
    radius: '192.0.2.1',
    secret: SECRET,
    authPort,
    acctPort,
    groups: ['staff'],
    radiusTimeout: 6,
    extra,
  })
}

async function examineAt(
  machine: Namespace,
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<readonly Finding[]> {
  const words = [MAIN, 'doctor', '--gateway', file, '--json', ...args]
  const { stdout, stderr } = await machine.run(process.execPath, words, {
    env: { NODE_COMPILE_CACHE: COMPILED, ...env },
  })
  if (stdout === '') throw new Error(stderr)
  return (JSON.parse(stdout) as { findings: Finding[] }).findings
}

/** @returns ocserv.conf of a copy that names the copies of the other files. */
function copyWith(gateway: Ocserv, edits: readonly Edit[], resources: AsyncDisposableStack): string {
  const folder = temporaryFolder('examined')
  resources.defer(folder.remove)
  for (const name of TEXTS) {
    let text = readFileSync(gateway.file(name), 'utf8')
    for (const other of TEXTS) text = text.replaceAll(gateway.file(other), folder.file(other))
    for (const [file, from, to] of edits) {
      if (file !== name) continue
      const edited = text.replace(from, to.replaceAll('$FOLDER', folder.path))
      if (edited === text) throw new Error(`${file} has no ${from}`)
      text = edited
    }
    writeFileSync(folder.file(name), text, { mode: 0o600 })
  }
  return folder.file('ocserv.conf')
}

/** The checks that found a fault or a warning. */
export function alarms(findings: readonly Finding[]): readonly string[] {
  const loud = findings.filter(({ verdict }) => verdict === 'fault' || verdict === 'warning')
  return loud.map(({ verdict, id }) => `${verdict} ${id}`)
}

/** Tells of an injected fault by the one check that must name it, and by no other. */
export function expectAlarm(
  expect: ExpectStatic,
  findings: readonly Finding[],
  alarm: string,
  says: RegExp,
): void {
  const loud = findings.filter(({ verdict }) => verdict === 'fault' || verdict === 'warning')
  expect([...new Set(alarms(findings))], JSON.stringify(loud)).toEqual([alarm])
  expect(loud.map(({ about, cause }) => `${about}: ${cause}`).join('\n')).toMatch(says)
  expect(
    loud.every(({ remedy = '' }) => remedy !== ''),
    JSON.stringify(loud),
  ).toBe(true)
  expect(JSON.stringify(findings)).not.toContain(SECRET)
}
