import { parentPort } from 'node:worker_threads'
import type { OldHashCheck } from './calls.ts'
import { verifyOldHash } from './verify.ts'

parentPort?.on('message', ({ stored, password }: OldHashCheck) => {
  parentPort?.postMessage(verifyOldHash(stored, Buffer.from(password)))
})
