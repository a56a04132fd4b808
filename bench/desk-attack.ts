import { setTimeout as sleep } from 'node:timers/promises'
import { Attr, Code } from '../src/radius/codes.ts'
import { Gateway } from './gateway.ts'
import type { Server } from './server.ts'

/** Refused logins of the attack. */
export const PER_SECOND = 200
const NAMES = 5000
const ADDRESSES = 60
const CLIENTS = 16

/** Ends what goes on. @returns what came of it. */
export type Ending = () => Promise<string>

/** Wrong codes under names that nobody has, at a steady rate. */
export async function attack({ targets: [target] }: Server): Promise<Ending> {
  const gateway = await Gateway.open(target)
  const beganAt = performance.now()
  let [sent, refused, isOver] = [0, 0, false]
  const client = async () => {
    while (!isOver) {
      const wait = beganAt + (sent / PER_SECOND) * 1000 - performance.now()
      const number = sent
      sent += 1
      if (wait > 0) await sleep(wait)
      const { reply } = await gateway.login(Buffer.from('000000'), [
        { type: Attr.UserName, value: Buffer.from(`guessed-${number % NAMES}`) },
        { type: Attr.CallingStationId, value: Buffer.from(`203.0.113.${number % ADDRESSES}`) },
      ])
      if (reply.code === Code.AccessReject) refused += 1
    }
  }
  const working = Promise.all(Array.from({ length: CLIENTS }, client))
  return async () => {
    isOver = true
    await working
    const perSecond = (refused / (performance.now() - beganAt)) * 1000
    await gateway.close()
    return `${perSecond.toFixed(0)} refusals a second`
  }
}
