import { randomBytes } from 'node:crypto'
import { guard } from './guard.ts'
import { outputOf, type Place, thisMachine } from './process.ts'
import { installed } from './programs.ts'

/** One side of the lab: a network of its own, in which programs are started. */
export interface Namespace extends Place {
  readonly name: string
  /** The IPv4 address of this machine, which for the server is the same at each cable. */
  readonly address: string
}

/** Three machines: the gateway, the broker and the like on the server, and a cable from there to each of the others. */
export interface Lab {
  readonly server: Namespace
  readonly client: Namespace
  /** For browsers: they drop their requests when an address of their machine changes, as it does when a tunnel begins. */
  readonly desktop: Namespace
  /** Ends whatever still runs inside, which can only be what the test started there, and deletes both. */
  stop(): Promise<void>
}

/** Needs root. The names are random, so that labs of several test files never meet. */
export async function startLab(): Promise<Lab> {
  const prefix = `ocbroker-${randomBytes(6).toString('hex')}`
  const server = namespace(`${prefix}-server`, '192.0.2.1')
  const client = namespace(`${prefix}-client`, '192.0.2.2')
  const desktop = namespace(`${prefix}-desktop`, '192.0.2.3')
  const stop = guard(REMOVE, server.name, client.name, desktop.name)
  try {
    for (const { name } of [server, client, desktop]) {
      await ip(`netns add ${name}`)
      await ip(`-n ${name} link set lo up`)
    }
    await lay(server, client, 'client')
    await lay(server, desktop, 'desktop')
  } catch (error) {
    await stop()
    throw error
  }
  return { server, client, desktop, stop }
}

/** Lays a cable, which the server calls by who is at its other end. No IPv6: its addresses would come up later. */
async function lay(server: Namespace, other: Namespace, label: string): Promise<void> {
  await ip(`link add ${label} netns ${server.name} type veth peer cable netns ${other.name}`)
  await ip(`-n ${server.name} link set ${label} addrgenmode none up`)
  await ip(`-n ${server.name} address add ${server.address} peer ${other.address} dev ${label}`)
  await ip(`-n ${other.name} link set cable addrgenmode none up`)
  // A network, as a client that leaves its tunnel removes its route to the server alone.
  await ip(`-n ${other.name} address add ${other.address}/24 dev cable`)
}

function namespace(name: string, address: string): Namespace {
  const inside = (program: string, args: readonly string[]) => [
    'netns',
    'exec',
    name,
    installed(program),
    ...args,
  ]
  return {
    name,
    address,
    start: (program, args, options) => thisMachine.start('ip', inside(program, args), options),
    run: (program, args, options) => thisMachine.run('ip', inside(program, args), options),
  }
}

/** `ip` with these words, such as `-n NAMESPACE address add …`. */
export async function ip(command: string): Promise<void> {
  await outputOf(thisMachine, 'ip', command.split(' '))
}

/** Ends everything inside the namespaces and deletes them. */
const REMOVE = `
for name; do
  ip netns pids "$name" | xargs --no-run-if-empty kill -KILL
  ip netns delete "$name"
done
`
