import { expect, test } from 'vitest'
import { install } from '../real/broker.ts'
import { describeWith } from '../real/needs.ts'
import { thisMachine } from '../real/process.ts'

/** Prints each message to the socket on a line. */
const LISTEN = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('listening', flush=True)
while True: print(s.recv(4096).decode().replace('\\n', ' '), flush=True)
`

describeWith(['systemd-notify', '/usr/bin/python3'], 'systemd', () => {
  test.each([1, 2])(
    'is told that the broker is ready, lives, reloads and stops, with %i worker(s)',
    async (workers) => {
      await using resources = new AsyncDisposableStack()
      const installation = await install({ sections: { radius: { workers } } })
      resources.defer(installation.remove)
      const socket = installation.folder.file('notify')
      const manager = thisMachine.start('/usr/bin/python3', ['-c', LISTEN, socket])
      resources.defer(manager.stop)
      await manager.waitForOutput(/^listening$/m)
      const [program, args] = installation.words('serve')
      const env = { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '2000000' }
      const broker = thisMachine.start(program, args, { env })
      resources.defer(broker.stop)

      await manager.waitForOutput(/^READY=1$/m, 60_000)
      await manager.waitForOutput(/^WATCHDOG=1$/m, 30_000)
      broker.signal('SIGHUP')
      await manager.waitForOutput(/^RELOADING=1$[\s\S]*^READY=1$/m, 30_000)
      broker.signal('SIGTERM')
      await manager.waitForOutput(/^STOPPING=1$/m, 30_000)
      expect((await broker.finished).code).toBe(0)
    },
  )
})
