import { parentPort } from 'node:worker_threads'
import { sql } from 'kysely'
import { systemClock } from '../../domain/clock.ts'
import { systemRandom } from '../../domain/random.ts'
import { channelToThread } from '../../rpc/ends.ts'
import { sqlRepositories } from '../repositories.ts'
import { ACCESS, type Access, type Services, type StoreFile } from './calls.ts'
import { type OpenDatabase, openForReading, openForWriting } from './database.ts'
import { Turns } from './turns.ts'

type Handlers = Record<string, (argument: unknown) => Promise<unknown>>
type Methods = Readonly<Record<string, (...args: readonly unknown[]) => Promise<unknown>>>

/** The thread in which a file lives: it may wait for the disk, so that the thread that answers packets does not. */
let handlers: Handlers = {
  open: async (argument) => {
    const file = argument as StoreFile
    handlers = serve(file.readOnly ? openForReading(file) : await openForWriting(file))
  },
}

function serve(open: OpenDatabase): Handlers {
  const { database, db } = open
  const records: Services = {
    ...sqlRepositories(db, { random: systemRandom }),
    storage: {
      check: async () => {
        // Something is really written: a disk that is full can still be read.
        await sql`pragma user_version = 0`.execute(db)
      },
    },
  }
  const turns = new Turns(open, systemClock)
  const served: Handlers = {
    close: async () => {
      await turns.finished()
      database.close()
    },
  }
  for (const [noun, accesses] of Object.entries(ACCESS)) {
    const methods = records[noun as keyof Services] as unknown as Methods
    for (const [name, access] of Object.entries<Access>(accesses)) {
      const method = methods[name]?.bind(methods)
      if (method === undefined) throw new Error(`the records have no ${noun}.${name}`)
      served[`${noun}.${name}`] = (args) => turns.add(access, () => method(...(args as readonly unknown[])))
    }
  }
  return served
}

if (parentPort !== null)
  channelToThread(parentPort, {
    name: 'main thread',
    clock: systemClock,
    handle: (method, argument) =>
      handlers[method]?.(argument) ?? Promise.reject(new Error(`the records have no ${method}`)),
  })
