import type { ChildProcess } from 'node:child_process'
import type { MessagePort, Worker } from 'node:worker_threads'
import { type Message, RpcChannel, type RpcChannelOptions } from './channel.ts'

type EndOptions = Omit<RpcChannelOptions, 'post'>

/** The channel to a child process, or from one to its parent (`process`). It closes when the other end has gone. */
export function channelToProcess(end: ChildProcess | NodeJS.Process, options: EndOptions): RpcChannel {
  const channel = new RpcChannel({
    ...options,
    post(message, sent) {
      if (end.connected) (end as ChildProcess).send(message, sent)
      return end.connected
    },
  })
  end.on('message', (message) => channel.receive(message as Message))
  end.on('disconnect', () => channel.close())
  return channel
}

/** The channel to a worker thread, or from one to the thread that started it (`parentPort`). */
export function channelToThread(end: Worker | MessagePort, options: EndOptions): RpcChannel {
  const channel = new RpcChannel({
    ...options,
    post(message, sent) {
      ;(end as MessagePort).postMessage(message)
      sent()
      return true
    },
  })
  end.on('message', (message: Message) => channel.receive(message))
  return channel
}
