import { parentPort } from 'node:worker_threads'
import { Decoder } from '../../src/identity/ldap/ldapjs-coding.ts'

/** A thread that has ldapjs read whatever it is given, which may never end. */
parentPort?.on('message', (frames: Uint8Array[]) => {
  const decoder = new Decoder()
  for (const frame of frames) {
    try {
      decoder.decode(Buffer.from(frame))
    } catch {
      // A message that cannot be read is as good an end as one that can.
    }
  }
  parentPort?.postMessage('done')
})
