import { parentPort, workerData } from 'node:worker_threads'
import { sql } from 'kysely'
import { systemClock } from '../../domain/clock.ts'
import { systemRandom } from '../../domain/random.ts'
import { sqlRecords } from '../records.ts'
import type { FromStore, Served, StoreFile, ToStore } from './calls.ts'
import { type OpenDatabase, openForReading, openForWriting } from './database.ts'
import { Turns } from './turns.ts'

/** The thread in which a file lives: it may wait for the disk, so that the thread that answers packets need not. */
function send(message: FromStore): void {
  parentPort?.postMessage(message)
}

function serve(open: OpenDatabase): void {
  const { database, db } = open
  const served: Served = {
    ...sqlRecords(db, { random: systemRandom }),
    storage: {
      check: async () => {
        // Something is really written: a disk that is full can still be read.
        await sql`pragma user_version = 0`.execute(db)
      },
    },
  }
  const turns = new Turns(open, served, (answers) => send({ kind: 'answers', answers }), systemClock)
  parentPort?.on('message', (message: ToStore) => {
    if (message.kind === 'calls') {
      turns.add(message.calls)
      return
    }
    void turns.finished().then(() => {
      database.close()
      parentPort?.close()
    })
  })
}

try {
  const file: StoreFile = workerData
  serve(file.readOnly ? openForReading(file) : await openForWriting(file))
  send({ kind: 'ready' })
} catch (error) {
  send({ kind: 'refused', message: error instanceof Error ? error.message : String(error) })
}
