import type { Runtime } from '../domain/runtime.ts'
import { LogThrottle } from '../pacing/log-throttle.ts'
import { expand, keyOf, type OwnPlace, standsForAll, type UdpPlace, withPorts } from './own-addresses.ts'
import { isUnknownAddress } from './port-taken.ts'
import { UdpListener, type UdpListenerOptions } from './udp-listener.ts'

export interface UdpListenersOptions extends Pick<Runtime, 'clock' | 'log'> {
  readonly places: readonly UdpPlace[]
  /** Sockets that another process opened and goes on to hold. */
  readonly inherited?: readonly (UdpPlace & { readonly fd: number })[]
  readonly receive: UdpListenerOptions['receive']
}

/** How long a new address of the machine may be without a socket, in milliseconds. */
const LOOK_EVERY_MS = 1000

/**
 * The UDP sockets of a process. For `0.0.0.0` and `::` there is one for each address of the machine, so that every reply
 * comes from the address that was asked; they are opened and closed as addresses come and go.
 */
export class UdpListeners {
  readonly #options: UdpListenersOptions
  readonly #throttle: LogThrottle
  readonly #places: readonly UdpPlace[]
  readonly #open = new Map<string, UdpListener>()
  #timer: NodeJS.Timeout | undefined
  #looking: Promise<void> = Promise.resolve()
  #isLooking = false
  #isStopped = false

  private constructor(options: UdpListenersOptions, places: readonly UdpPlace[]) {
    this.#options = options
    this.#places = places
    this.#throttle = new LogThrottle(options)
  }

  /** Opens every socket or none. @throws OperatorError naming the process that holds a port, where that can be seen. */
  static async open(options: UdpListenersOptions): Promise<UdpListeners> {
    const { inherited = [], receive } = options
    const places = await withPorts(
      options.places.map((place) => ({
        ...place,
        // A worker serves by the port that its parent got.
        port: place.port || (inherited.find(({ service }) => service === place.service)?.port ?? 0),
      })),
    )
    const listeners = new UdpListeners(options, places)
    try {
      for (const socket of inherited)
        listeners.#open.set(keyOf(socket), await UdpListener.open({ ...socket, receive }))
      const missing = inherited.length === 0 ? expand(places) : expand(places).filter(({ isOwn }) => isOwn)
      for (const place of missing) await listeners.#listenOn(place)
    } catch (error) {
      await listeners.close()
      throw error
    }
    if (places.some(standsForAll)) {
      listeners.#timer = setInterval(() => listeners.#look(), LOOK_EVERY_MS)
      listeners.#timer.unref()
    }
    return listeners
  }

  get places(): readonly UdpPlace[] {
    return [...this.#open.values()].map(({ service, address, port }) => ({ service, address, port }))
  }

  /** Takes no more datagrams; replies can still be sent. */
  stopReceiving(): void {
    this.#isStopped = true
    clearInterval(this.#timer)
    for (const listener of this.#open.values()) listener.stopReceiving()
  }

  /** Resolves when every reply is sent and the ports are free. */
  async close(): Promise<void> {
    this.stopReceiving()
    await this.#looking
    await Promise.all([...this.#open.values()].map((listener) => listener.close()))
  }

  #look(): void {
    if (this.#isLooking) return
    this.#isLooking = true
    this.#looking = this.#followAddresses().finally(() => {
      this.#isLooking = false
    })
  }

  async #followAddresses(): Promise<void> {
    const { log, inherited = [] } = this.#options
    const wanted = new Map(expand(this.#places).map((place) => [keyOf(place), place]))
    const kept = new Set(inherited.map(keyOf))
    for (const [key, listener] of this.#open) {
      // What was inherited stays held elsewhere: closed here, it would swallow datagrams once its address is back.
      if (wanted.has(key) || kept.has(key)) continue
      this.#open.delete(key)
      const { service, address, port } = listener
      log.info('socket.closed', { service, address, port })
      listener.stopReceiving()
      await listener.close()
    }
    for (const [key, place] of wanted) {
      if (this.#isStopped || this.#open.has(key)) continue
      try {
        if (await this.#listenOn(place)) log.info('socket.opened', { ...place, isOwn: undefined })
      } catch (error) {
        this.#throttle.tell(key, (before) => log.error('socket.not_opened', { ...place, before, error }))
      }
    }
  }

  /** @returns false where the machine has the address no more, or not yet: IPv6 tries new ones out (RFC 4862 §5.4). */
  async #listenOn(place: OwnPlace): Promise<boolean> {
    const { receive, inherited = [] } = this.#options
    if (this.#open.has(keyOf(place))) return false
    const { service, address, port } = place
    const reusePort = inherited.length > 0
    try {
      const listener = await UdpListener.open({ service, address, port, receive, reusePort })
      this.#open.set(keyOf({ ...place, port: listener.port }), listener)
      if (this.#isStopped) listener.stopReceiving()
      return true
    } catch (error) {
      if (place.isOwn && isUnknownAddress(error)) return false
      throw error
    }
  }
}
