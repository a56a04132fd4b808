import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RealProcess } from './process.ts'

/** One line of the broker's log. */
type LogLine = Readonly<Record<string, unknown>> & { readonly event: string }

/** What a line must have; an expression is looked for in a text. */
type Facts = Readonly<Record<string, string | number | boolean | RegExp>>

/**
 * The log of a broker. A line comes by a pipe of its own, and often later than the reply of which it tells. So there is
 * no way to see what has come so far: a test waits for the line that it means.
 */
export interface ReadableLog {
  /**
   * The lines up to the first of this event with these facts, or up to the one that makes it so many `times`. Throws
   * with the log where it does not come within 20 s.
   */
  logUntil(event: string, facts?: Facts, times?: number): Promise<readonly LogLine[]>
  /**
   * All lines that it wrote before this call: it is sent a datagram that it drops, whose line comes behind them. After
   * its end, all that it ever wrote. Throws where workers run, of which the datagram would reach one.
   */
  log(): Promise<readonly LogLine[]>
}

const WITHIN_MS = 20_000
const INTERVAL_MS = 10
const RESEND_MS = 500
const JUNK_NETWORK = '127.77.'
let addresses = 0

export function logOf(broker: RealProcess, authPort: number): ReadableLog {
  const logUntil: ReadableLog['logUntil'] = async (event, facts = {}, times = 1) => {
    const isMeant = (line: LogLine) => line.event === event && hasFacts(line, facts)
    for (let waited = 0; ; waited += INTERVAL_MS) {
      const lines = linesOf(broker.output())
      const at = lines.flatMap((line, index) => (isMeant(line) ? [index] : []))[times - 1]
      if (at !== undefined) return lines.slice(0, at + 1)
      if (waited > WITHIN_MS)
        throw new Error(`no ${event} (${times}) within ${WITHIN_MS} ms:\n${broker.output()}`)
      await sleep(INTERVAL_MS)
    }
  }
  return {
    logUntil,
    async log() {
      if (!broker.isRunning()) {
        await broker.finished
        return linesOf(broker.output())
      }
      if (linesOf(broker.output()).some(({ event }) => event === 'worker.serving'))
        throw new Error('log() cannot know when the lines of several workers have come: use logUntil()')
      const junk = await sendingJunk(authPort)
      try {
        const lines = await logUntil('datagram.dropped', { peer: junk.address })
        return lines.filter(({ peer }) => !String(peer).startsWith(JUNK_NETWORK))
      } finally {
        junk.end()
      }
    },
  }
}

/** From an address that nobody else has, so that it gets a line of its own; again and again, as a flood may drown it. */
async function sendingJunk(port: number): Promise<{ readonly address: string; end(): void }> {
  addresses += 1
  const address = `${JUNK_NETWORK}${addresses >> 8}.${addresses & 0xff}`
  const socket = createSocket('udp4').bind(0, address)
  await once(socket, 'listening')
  const send = () => socket.send('junk', port, '127.0.0.1')
  send()
  const repeated = setInterval(send, RESEND_MS)
  return {
    address,
    end() {
      clearInterval(repeated)
      socket.close()
    },
  }
}

function hasFacts(line: LogLine, facts: Facts): boolean {
  return Object.entries(facts).every(([key, fact]) =>
    fact instanceof RegExp ? fact.test(String(line[key])) : line[key] === fact,
  )
}

function linesOf(output: string): LogLine[] {
  return output
    .split('\n')
    .filter((line) => line.startsWith('{"level"') && line.endsWith('}'))
    .map((line) => JSON.parse(line) as LogLine)
}
