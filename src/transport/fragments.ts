import type { Socket } from 'node:dgram'

/** Linux: levels and options of setsockopt (ip(7), ipv6(7)). */
const IP = { level: 0, mtuDiscover: 10 }
const IPV6 = { level: 41, mtuDiscover: 23, mtu: 24 }
const NEVER = 0
/** What every IPv6 path carries (RFC 8200 §5). */
const IPV6_MIN_MTU = 1280

type SetOption = (fd: number, level: number, option: number, value: Buffer, length: number) => number

/**
 * Lets replies be cut into fragments on their way. The system forbids that by default and waits for an ICMP message that
 * names the path's MTU; where such messages are filtered, a longer reply would never arrive. Routers cut IPv4. IPv6
 * is cut here only, to what every path carries, if it is longer than the first link's MTU or than that of the route.
 * Where the system or this version of Node cannot, it stays forbidden.
 */
export function allowFragments(socket: Socket, setOption: SetOption | undefined): void {
  const fd = descriptorOf(socket)
  if (setOption === undefined || fd === undefined) return
  const set = (level: number, option: number, value: number) => {
    const octets = Buffer.alloc(4)
    octets.writeInt32LE(value)
    setOption(fd, level, option, octets, octets.length)
  }
  if (socket.address().family === 'IPv4') set(IP.level, IP.mtuDiscover, NEVER)
  else {
    set(IPV6.level, IPV6.mtuDiscover, NEVER)
    set(IPV6.level, IPV6.mtu, IPV6_MIN_MTU)
  }
}

let loaded: Promise<SetOption | undefined> | undefined

/** What `allowFragments` needs, loaded once; to be loaded before a socket is open, whose datagrams nobody hears meanwhile. */
export function setsockopt(): Promise<SetOption | undefined> {
  loaded ??= process.platform === 'linux' ? load() : Promise.resolve(undefined)
  return loaded
}

/** Node has no call for these options but by `node:ffi`, which older versions lack. */
async function load(): Promise<SetOption | undefined> {
  const { emitWarning } = process
  // It says of itself on standard error that it is experimental; without it replies are as they were before.
  process.emitWarning = () => undefined
  try {
    const { dlopen } = await import('node:ffi')
    const parameters = ['i32', 'i32', 'i32', 'pointer', 'u32'] as const
    return dlopen(null, { setsockopt: { arguments: parameters, return: 'i32' } }).functions.setsockopt
  } catch {
    return undefined
  } finally {
    process.emitWarning = emitWarning
  }
}

/** Node shows no descriptor of a UDP socket but in its inner state. */
function descriptorOf(socket: Socket): number | undefined {
  const key = Object.getOwnPropertySymbols(socket).find(({ description }) => description === 'state symbol')
  const state: unknown = key === undefined ? undefined : Reflect.get(socket, key)
  const handle: unknown =
    typeof state === 'object' && state !== null ? Reflect.get(state, 'handle') : undefined
  const fd: unknown = typeof handle === 'object' && handle !== null ? Reflect.get(handle, 'fd') : undefined
  return typeof fd === 'number' && fd >= 0 ? fd : undefined
}
