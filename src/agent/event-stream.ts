import { StringDecoder } from 'node:string_decoder'

export interface StreamEvent {
  readonly name: string
  readonly data: string
}

const MAX_LINE = 16 * 1024
const MAX_DATA = 64 * 1024

/** Reads a `text/event-stream` in bounded memory. `id:` and `retry:` are overlooked. */
export class EventStreamReader {
  readonly #decoder = new StringDecoder('utf8')
  #rest = ''
  #name = ''
  #data: string[] = []
  #length = 0

  /** @returns the events that are complete now. @throws Error for a line or an event that is too long. */
  read(chunk: Buffer): readonly StreamEvent[] {
    const lines = (this.#rest + this.#decoder.write(chunk)).split('\n')
    this.#rest = lines.pop() ?? ''
    if (this.#rest.length > MAX_LINE) throw new Error('the broker sent a line that is too long')
    return lines.flatMap((line) => this.#line(line.endsWith('\r') ? line.slice(0, -1) : line) ?? [])
  }

  #line(line: string): StreamEvent | undefined {
    if (line.length > MAX_LINE) throw new Error('the broker sent a line that is too long')
    if (line === '') return this.#complete()
    const colon = line.indexOf(':')
    if (colon === 0) return undefined
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (field === 'event') this.#name = value
    if (field === 'data') {
      this.#data.push(value)
      this.#length += value.length + 1
      if (this.#length > MAX_DATA) throw new Error('the broker sent an event that is too long')
    }
    return undefined
  }

  #complete(): StreamEvent | undefined {
    const event = { name: this.#name === '' ? 'message' : this.#name, data: this.#data.join('\n') }
    const isEmpty = this.#data.length === 0
    this.#name = ''
    this.#data = []
    this.#length = 0
    return isEmpty ? undefined : event
  }
}
