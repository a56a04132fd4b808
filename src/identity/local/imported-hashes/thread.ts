import { parentPort } from 'node:worker_threads'
import { systemClock } from '../../../domain/clock.ts'
import { channelToThread } from '../../../rpc/ends.ts'
import type { OldHashCheck } from './old-hashes.ts'
import { verifyOldHash } from './verify.ts'

if (parentPort !== null)
  channelToThread(parentPort, {
    name: 'main thread',
    clock: systemClock,
    handle: async (_, check) => {
      const { stored, password } = check as OldHashCheck
      return verifyOldHash(stored, Buffer.from(password))
    },
  })
