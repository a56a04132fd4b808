import { type Place, thisMachine } from './process.ts'

/**
 * An attribute as radclient's dictionaries name it. A text of the form `0x…` is given as octets; octets are
 * sent as they are, for text that is not UTF-8 (no NUL and no line feed). Where the text is empty, radclient
 * leaves the attribute out of the packet.
 */
export type Attribute = readonly [name: string, value: string | number | Uint8Array]

interface RadclientRequest {
  readonly kind: 'auth' | 'acct' | 'status'
  readonly port: number
  readonly secret: string
  readonly attributes: readonly Attribute[]
  /** 127.0.0.1 where it is not given. */
  readonly host?: string
  readonly place?: Place
  /** Seconds for each try; 3 where it is not given. */
  readonly timeout?: number
  /** How often the same packet is sent; 1 where it is not given. */
  readonly tries?: number
}

export interface RadclientReply {
  /** The reply's code by its name, such as `Access-Accept`, or undefined where no valid reply came. */
  readonly code: string | undefined
  /** As radclient prints them: texts without their quotation marks, octets as `0x…`. */
  readonly attributes: readonly (readonly [name: string, value: string])[]
  /** Everything that radclient printed, for a failing test's message. */
  readonly output: string
}

/** Sends one request by the real radclient and waits for its reply. */
export async function radclient(request: RadclientRequest): Promise<RadclientReply> {
  const { kind, port, secret, host = '127.0.0.1', place = thisMachine, timeout = 3, tries = 1 } = request
  const server = `${host.includes(':') ? `[${host}]` : host}:${port}`
  const { stdout, stderr } = await place.run(
    'radclient',
    ['-x', '-t', String(timeout), '-r', String(tries), server, kind, secret],
    { input: written(request.attributes), within: timeout * tries * 1000 + 5000 },
  )
  return { ...parseReply(stdout), output: stdout + stderr }
}

function written(attributes: readonly Attribute[]): Buffer {
  const lines = attributes.flatMap(([name, value]) => [
    Buffer.from(`${name} = `),
    typeof value === 'string' || typeof value === 'number' ? writtenText(String(value)) : quoted(value),
    Buffer.from('\n'),
  ])
  return Buffer.concat(lines)
}

function writtenText(value: string): Uint8Array {
  return /^(?:0x(?:[0-9a-f]{2})+|\d+)$/i.test(value) ? Buffer.from(value) : quoted(Buffer.from(value))
}

/**
 * Quotation marks and backslashes are written as octal escapes of octal escapes, because radclient undoes
 * escapes twice. Everything else is sent as it is; inside radclient's quotation marks nothing is expanded.
 */
function quoted(octets: Uint8Array): Buffer {
  const escaped = Buffer.from(octets)
    .toString('latin1')
    .replace(/["\\]/g, (mark) => (mark === '"' ? '\\\\042' : '\\\\134'))
  return Buffer.from(`"${escaped}"`, 'latin1')
}

function parseReply(stdout: string): Pick<RadclientReply, 'code' | 'attributes'> {
  const lines = stdout.split('\n')
  const heading = lines.findLastIndex((line) => line.startsWith('Received '))
  if (heading === -1) return { code: undefined, attributes: [] }
  const code = /^Received (\S+)/.exec(lines[heading] ?? '')?.[1]
  const attributes: [string, string][] = []
  for (const line of lines.slice(heading + 1)) {
    const [, name, value] = /^\t(\S+) = (.*)$/.exec(line) ?? []
    if (name === undefined || value === undefined) break
    attributes.push([name, unquoted(value)])
  }
  return { code, attributes }
}

function unquoted(value: string): string {
  if (!value.startsWith('"')) return value
  return value.slice(1, -1).replace(/\\(["\\])/g, '$1')
}
