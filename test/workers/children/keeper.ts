import { appendFileSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '../../../src/domain/clock.ts'
import { Parent } from '../../../src/workers/parent.ts'

/** A worker that keeps a file of its name, and writes down what is left to it. */
const parent = new Parent({
  answer: async () => undefined,
  inherit: () => undefined,
  hear: () => undefined,
  beAlone: (left) => appendFileSync(ledger, `${JSON.stringify({ name, left })}\n`),
  clock: systemClock,
})

const { folder, ledger, name } = (await parent.order) as { folder: string; ledger: string; name: string }
writeFileSync(`${folder}/${name}`, '')
parent.tell({ kind: 'ready' })
await parent.begun
writeFileSync(`${folder}.begun`, '')
// Whoever is told to stop in this moment has begun to serve all the same.
await sleep(50)
parent.tell({ kind: 'serving', about: { name, pid: process.pid } })
if ((await parent.ending) === 'handOver') parent.tell({ kind: 'handedOver' })
await parent.leave()
process.exit(0)
