/** An event of a stream, as its client gets it. */
interface StreamedEvent {
  readonly id: string
  readonly kind: string
  readonly data: Readonly<Record<string, string>>
}

export interface EventStream {
  readonly status: number
  /** All that has come so far. */
  readonly events: readonly StreamedEvent[]
  /** Settles when the broker has ended the stream. */
  readonly ended: Promise<void>
  close(): void
}

/** Listens as an EventSource would. */
export async function listenTo(url: string, headers: Readonly<Record<string, string>>): Promise<EventStream> {
  const stop = new AbortController()
  const { status, body } = await fetch(url, { headers, signal: stop.signal })
  const events: StreamedEvent[] = []
  const read = async () => {
    let text = ''
    for await (const chunk of body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk
      const blocks = text.split('\n\n')
      text = blocks.pop() ?? ''
      events.push(...blocks.flatMap(eventIn))
    }
  }
  const ended = read().catch(() => {})
  return { status, events, ended, close: () => stop.abort() }
}

/** @returns nothing for a comment or a setting. */
function eventIn(block: string): StreamedEvent[] {
  const fields = new Map(
    block.split('\n').map((line) => {
      const colon = line.indexOf(': ')
      return [line.slice(0, colon), line.slice(colon + 2)]
    }),
  )
  const [id, kind, data] = [fields.get('id'), fields.get('event'), fields.get('data')]
  if (id === undefined || kind === undefined || data === undefined) return []
  return [{ id, kind, data: JSON.parse(data) }]
}
