import { parentPort } from 'node:worker_threads'
import { systemClock } from '../../../src/domain/clock.ts'
import { channelToThread } from '../../../src/rpc/ends.ts'

/** Answers like the thread with the file, and ends when it gets the call `die`. */
function handle(method: string, argument: unknown): Promise<unknown> {
  switch (method) {
    case 'open':
      if (argument === 'refuse') return Promise.reject(new Error('the file is damaged'))
      return Promise.resolve()
    case 'close':
      return Promise.resolve()
    case 'echo':
      return Promise.resolve((argument as readonly unknown[])[0])
    case 'die':
      throw new Error('out of memory')
    default:
      return new Promise(() => {})
  }
}

if (parentPort !== null) channelToThread(parentPort, { name: 'main thread', clock: systemClock, handle })
