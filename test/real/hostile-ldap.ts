import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { createSecureContext, TLSSocket } from 'node:tls'
import { type Element, element, integer, readElement, readElements } from './ber.ts'
import type { Certificates } from './certificates.ts'

/** What a client asked, as far as the tests' own servers look at it. */
export interface LdapRequest {
  readonly id: number
  readonly kind: 'bind' | 'search' | 'unbind' | 'extended' | 'other'
  /** Of a bind: who, and with which password. Of a search: the base. */
  readonly name: string
  readonly password: string
  /** Of a search: everything that its filter compares, `attribute=value` or `attribute:rule:=value`. */
  readonly compares: readonly string[]
  /** Of a search: the attributes that are asked for. */
  readonly attributes: readonly string[]
}

/** One client's connection, for answers of every kind. */
export interface Wire {
  readonly socket: Socket
  /** How many connections were made before this one. */
  readonly number: number
  readonly isSecret: boolean
  send(...messages: readonly Buffer[]): void
  /** Sends one octet in so many milliseconds, until the connection ends. */
  drip(message: Buffer, everyMs: number): void
  cut(): void
  /** Speaks TLS from the next octet on. */
  startTls(): void
}

export interface LdapDouble {
  readonly port: number
  /** `ldap://localhost:…` */
  readonly url: string
  /** Everything that was understood, in order. */
  readonly requests: readonly LdapRequest[]
  readonly connections: number
  stop(): Promise<void>
}

export interface LdapDoubleOptions {
  answer(request: LdapRequest, wire: Wire): void
  readonly onConnection?: (wire: Wire) => void
  /** For `startTls`, and with `tls` from the first octet. */
  readonly certificates?: Pick<Certificates, 'certificate' | 'key'>
  readonly tls?: boolean
  /** Of TLS. */
  readonly maxVersion?: 'TLSv1.1' | 'TLSv1.2'
}

/** A server on 127.0.0.1 that answers as the test says, however wrong that is. */
export async function startLdapDouble(options: LdapDoubleOptions): Promise<LdapDouble> {
  const requests: LdapRequest[] = []
  const sockets = new Set<Socket>()
  let connections = 0
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).once('close', () => sockets.delete(socket))
    serve(socket, connections++, options, requests)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('a TCP listener without a port')
  return {
    port: address.port,
    url: `ldap${options.tls === true ? 's' : ''}://localhost:${address.port}`,
    requests,
    get connections() {
      return connections
    },
    async stop() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

function serve(
  raw: Socket,
  number: number,
  { answer, onConnection, certificates, tls, maxVersion }: LdapDoubleOptions,
  requests: LdapRequest[],
): void {
  let socket = raw
  let isSecret = false
  let held = Buffer.alloc(0)
  const receive = (piece: Buffer) => {
    held = Buffer.concat([held, piece])
    for (let next = readElement(held); next !== undefined; next = readElement(held)) {
      held = held.subarray(next.whole)
      const request = understood(next)
      if (request === undefined) continue
      requests.push(request)
      answer(request, wire)
    }
  }
  const wire: Wire = {
    get socket() {
      return socket
    },
    number,
    get isSecret() {
      return isSecret
    },
    send: (...messages) => void socket.write(Buffer.concat(messages)),
    drip: (message, everyMs) => drip(socket, message, everyMs),
    cut: () => void raw.resetAndDestroy(),
    startTls() {
      if (certificates === undefined) throw new Error('no certificates for TLS')
      raw.off('data', receive)
      const secureContext = createSecureContext({
        cert: readFileSync(certificates.certificate),
        key: readFileSync(certificates.key),
        ...(maxVersion !== undefined && {
          minVersion: 'TLSv1' as const,
          maxVersion,
          ciphers: 'ALL:@SECLEVEL=0',
        }),
      })
      socket = new TLSSocket(raw, { isServer: true, secureContext })
      isSecret = true
      socket.on('error', () => {}).on('data', receive)
    },
  }
  raw.on('data', receive)
  if (tls === true) wire.startTls()
  onConnection?.(wire)
}

function drip(socket: Socket, message: Buffer, everyMs: number): void {
  let sent = 0
  const timer = setInterval(() => {
    if (sent === message.length) clearInterval(timer)
    else socket.write(message.subarray(sent, ++sent))
  }, everyMs)
  socket.once('close', () => clearInterval(timer))
}

const KINDS: ReadonlyMap<number, LdapRequest['kind']> = new Map([
  [0x60, 'bind'],
  [0x63, 'search'],
  [0x42, 'unbind'],
  [0x77, 'extended'],
])

/** @returns undefined for what is no LDAP, such as the beginning of TLS. */
function understood(message: Element): LdapRequest | undefined {
  try {
    return message.tag === 0x30 ? read(message) : undefined
  } catch {
    return undefined
  }
}

function read(message: Element): LdapRequest {
  const [id, operation] = readElements(message.content)
  const kind = KINDS.get(operation?.tag ?? 0) ?? 'other'
  const parts =
    kind === 'bind' || kind === 'search' ? readElements(operation?.content ?? Buffer.alloc(0)) : []
  const text = (at: number) => parts[at]?.content.toString('utf8') ?? ''
  const filter = kind === 'search' ? parts[6] : undefined
  return {
    id: id === undefined ? 0 : id.content.readIntBE(0, id.content.length),
    kind,
    name: text(kind === 'bind' ? 1 : 0),
    password: kind === 'bind' ? text(2) : '',
    compares: filter === undefined ? [] : comparesIn(filter),
    attributes:
      kind === 'search'
        ? readElements(parts[7]?.content ?? Buffer.alloc(0)).map(({ content }) => `${content}`)
        : [],
  }
}

function comparesIn({ tag, content }: Element): readonly string[] {
  if (tag === 0xa0 || tag === 0xa1 || tag === 0xa2) return readElements(content).flatMap(comparesIn)
  if (tag === 0xa9) {
    const part = (of: number) => readElements(content).find((each) => each.tag === of)?.content ?? ''
    return [`${part(0x82)}:${part(0x81)}:=${part(0x83)}`]
  }
  if (tag === 0x87) return [`${content}=*`]
  const [attribute, value] = readElements(content)
  return [`${attribute?.content}=${value?.content}`]
}

/** A message of the protocol (RFC 4511 §4.1.1). */
export function message(id: number, operation: Buffer, ...controls: readonly Buffer[]): Buffer {
  const tail = controls.length === 0 ? [] : [element(0xa0, ...controls)]
  return element(0x30, integer(id), operation, ...tail)
}

function result(tag: number, code: number, diagnostic: string): Buffer {
  return element(tag, integer(code, 0x0a), element(0x04, ''), element(0x04, diagnostic))
}

export function bindResult(id: number, code = 0, diagnostic = ''): Buffer {
  return message(id, result(0x61, code, diagnostic))
}

export function searchDone(id: number, code = 0, diagnostic = ''): Buffer {
  return message(id, result(0x65, code, diagnostic))
}

export function extendedResult(id: number, code = 0, diagnostic = ''): Buffer {
  return message(id, result(0x78, code, diagnostic))
}

export function reference(id: number, ...urls: readonly string[]): Buffer {
  return message(id, element(0x73, ...urls.map((url) => element(0x04, url))))
}

export function entry(
  id: number,
  dn: string,
  attributes: Readonly<Record<string, readonly (string | Buffer)[]>>,
): Buffer {
  const list = Object.entries(attributes).map(([type, values]) =>
    element(0x30, element(0x04, type), element(0x31, ...values.map((value) => element(0x04, value)))),
  )
  return message(id, element(0x64, element(0x04, dn), element(0x30, ...list)))
}

/** What Active Directory says beside code 49. */
export function adDiagnostic(data: string): string {
  return `80090308: LdapErr: DSID-0C090446, comment: AcceptSecurityContext error, data ${data}, v2580\0`
}
