import { fileURLToPath } from 'node:url'
import { freePort } from '../test/real/free-port.ts'
import { thisMachine } from '../test/real/process.ts'
import { type Server, SHARED_SECRET } from './server.ts'

const PROGRAM = fileURLToPath(new URL('./bare-responder.ts', import.meta.url))

/** The least that a server in Node can be, to compare the broker with. */
export async function startBareResponder(): Promise<Server> {
  const authPort = await freePort()
  const responder = thisMachine.start(process.execPath, [PROGRAM, String(authPort), SHARED_SECRET])
  await responder.waitForOutput(/listening/)
  const target = {
    name: 'bare',
    authPort,
    acctPort: authPort,
    secret: SHARED_SECRET,
    signsFirst: true,
    spendsCodes: false,
    users: 0,
  }
  return { pids: [responder.pid], targets: [target], stop: () => responder.stop() }
}
