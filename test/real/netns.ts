import { randomBytes } from 'node:crypto'
import { guard } from './guard.ts'
import { outputOf, type Place, thisMachine } from './process.ts'
import { installed } from './programs.ts'

/** One side of the lab: a network of its own, in which programs are started. */
export interface Namespace extends Place {
  readonly name: string
  /** The IPv4 address of this side of the cable. */
  readonly address: string
}

/** Two machines joined by one cable: gateway, broker and the like on the server's side, the VPN client on the other. */
export interface Lab {
  readonly server: Namespace
  readonly client: Namespace
  /** Ends whatever still runs inside, which can only be what the test started there, and deletes both. */
  stop(): Promise<void>
}

/** Needs root. The names are random, so that labs of several test files never meet. */
export async function startLab(): Promise<Lab> {
  const prefix = `ocbroker-${randomBytes(6).toString('hex')}`
  const server = namespace(`${prefix}-server`, '192.0.2.1')
  const client = namespace(`${prefix}-client`, '192.0.2.2')
  const stop = guard(REMOVE, server.name, client.name)
  try {
    await ip(`netns add ${server.name}`)
    await ip(`netns add ${client.name}`)
    await ip(`link add cable netns ${server.name} type veth peer cable netns ${client.name}`)
    for (const { name, address } of [server, client]) {
      await ip(`-n ${name} link set lo up`)
      await ip(`-n ${name} address add ${address}/24 dev cable`)
      await ip(`-n ${name} link set cable up`)
    }
  } catch (error) {
    await stop()
    throw error
  }
  return { server, client, stop }
}

function namespace(name: string, address: string): Namespace {
  const inside = (program: string, args: readonly string[]) => [
    ...['netns', 'exec', name, installed(program)],
    ...args,
  ]
  return {
    name,
    address,
    start: (program, args, options) => thisMachine.start('ip', inside(program, args), options),
    run: (program, args, options) => thisMachine.run('ip', inside(program, args), options),
  }
}

async function ip(command: string): Promise<void> {
  await outputOf(thisMachine, 'ip', command.split(' '))
}

/** Ends everything inside the namespaces and deletes them. */
const REMOVE = `
for name; do
  ip netns pids "$name" | xargs --no-run-if-empty kill -KILL
  ip netns delete "$name"
done
`
