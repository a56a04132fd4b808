import { appendFileSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '../../../src/domain/clock.ts'
import { channelToProcess } from '../../../src/rpc/ends.ts'

interface Order {
  readonly folder: string
  readonly ledger: string
  readonly name: string
  readonly setting: string
}

let order: Order | undefined
let prepared: string | undefined
let setting: string | undefined

/** A worker that keeps a file of its name, and writes down what it takes over and by which setting it serves. */
channelToProcess(process, {
  name: 'parent process',
  clock: systemClock,
  async handle(method, argument) {
    if (method === 'start') {
      order = argument as Order
      setting = order.setting
      writeFileSync(`${order.folder}/${order.name}`, '')
      writeFileSync(`${order.folder}.begun`, '')
      // A worker that is told to stop at this moment still begins to serve.
      await sleep(50)
      return { name: order.name, pid: process.pid }
    }
    if (method === 'adopt' && order !== undefined)
      appendFileSync(order.ledger, `${JSON.stringify({ name: order.name, left: argument })}\n`)
    if (method === 'prepare') {
      prepared = String(argument)
      if (prepared === `refused by ${order?.name}`) throw new Error(prepared)
      if (prepared === `kills ${order?.name}`) process.kill(process.pid, 'SIGKILL')
    }
    if (method === 'commit') {
      if (prepared === `kills ${order?.name} late`) process.kill(process.pid, 'SIGKILL')
      setting = prepared
    }
    return method === 'setting' ? setting : undefined
  },
})
