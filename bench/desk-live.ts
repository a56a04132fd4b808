import { setTimeout as sleep } from 'node:timers/promises'
import { ask } from '../test/http/ask.ts'
import type { Case, Context } from './case.ts'
import { attack, type Ending, PER_SECOND } from './desk-attack.ts'
import { atTheDesk, fillDesk } from './desk-site.ts'
import { startHttpBroker } from './http-broker.ts'

/** How often a live page asks: the last one as often as it ever does, while lockouts are made. */
const WATCHED: readonly (readonly [path: string, everyMs: number])[] = [
  ['/desk/now/live', 5000],
  ['/desk/attempts/live', 5000],
  ['/desk/lockouts/live', 1000],
]

/** What it costs the logins that people watch an attack at the desk. */
export const DESK_LIVE: Case = {
  name: 'desk-live',
  about: `logins by code under an attack of ${PER_SECOND} refusals a second, with ${WATCHED.length} live pages that show it, against none`,
  operation: 'code',
  inFlight: 16,
  seconds: 10,
  parts: ['login'],
  prepare: async (around: Context) => {
    const { url, server } = await startHttpBroker(around, {
      store: 'of the desk, under attack',
      fill: (database) => fillDesk(database, around.users, around.size),
      mode: 'only',
    })
    const cookie = await atTheDesk(url)
    const start = async () => ({ ...server, stop: async () => {} })
    return {
      variants: [
        { label: 'under attack', beside: () => attack(server) },
        {
          label: 'watched at the desk',
          beside: async () => {
            const endings = [await attack(server), watch(url, cookie)]
            return async () => (await Promise.all(endings.map((end) => end()))).join('; ')
          },
        },
      ],
      subjects: [{ name: 'ocbroker', start }],
    }
  },
}

/** The pages as their script asks for them. */
function watch(url: string, cookie: string): Ending {
  const ending = new AbortController()
  let answers = 0
  const page = async (path: string, everyMs: number) => {
    for (;;) {
      const { status } = await ask(url + path, { headers: { cookie, 'x-unattended': '1' } })
      if (status !== 200) throw new Error(`${path}: ${status}`)
      answers += 1
      await sleep(everyMs, undefined, { signal: ending.signal })
    }
  }
  const pages = WATCHED.map(([path, everyMs]) =>
    page(path, everyMs).catch((error: unknown) => {
      if (!ending.signal.aborted) throw error
    }),
  )
  return async () => {
    ending.abort()
    await Promise.all(pages)
    return `${answers} answers of live pages`
  }
}
