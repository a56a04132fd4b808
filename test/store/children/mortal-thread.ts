import { parentPort, workerData } from 'node:worker_threads'
import type { FromStore, ToStore } from '../../../src/store/sqlite/calls.ts'

/** Answers like the thread with the file, and ends when it is told to `die`. */
const send = (message: FromStore) => parentPort?.postMessage(message)

parentPort?.on('message', (message: ToStore) => {
  if (message.kind === 'close') {
    parentPort?.close()
    return
  }
  for (const { id, method, args } of message.calls) {
    if (method === 'die') throw new Error('out of memory')
    if (method === 'echo') send({ kind: 'answers', answers: [{ id, value: args[0] }] })
  }
})

if (workerData === 'refuse') {
  send({ kind: 'refused', message: 'the file is damaged' })
  parentPort?.close()
} else {
  send({ kind: 'ready' })
}
