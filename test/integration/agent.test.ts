import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startSmallBroker } from '../agent/small-broker.ts'
import { makeCertificates } from '../real/certificates.ts'
import { temporaryFolder } from '../real/folder.ts'
import { freePort } from '../real/free-port.ts'
import { describeWith } from '../real/needs.ts'
import { type RealProcess, thisMachine } from '../real/process.ts'

const MAIN = join(import.meta.dirname, '../../src/main.ts')
const TOKEN = 'a-token-of-the-gateway'

function folderWithToken() {
  const folder = temporaryFolder('agent')
  onTestFinished(folder.remove)
  const tokenFile = folder.file('token')
  writeFileSync(tokenFile, `${TOKEN}\n`, { mode: 0o600 })
  return { folder, tokenFile }
}

/** The program itself, with a socket at which nothing listens. */
function startAgent(broker: string, ...more: readonly string[]): RealProcess {
  const { folder, tokenFile } = folderWithToken()
  const socket = folder.file('occtl.socket')
  const words = ['--broker', broker, '--gateway', 'gw1', '--token-file', tokenFile, '--socket', socket]
  const agent = thisMachine.start(process.execPath, [MAIN, 'agent', ...words, ...more])
  onTestFinished(() => agent.stop())
  return agent
}

describe('ocbroker agent', () => {
  test.each([
    [
      401,
      3,
      "refuses the token: it is revoked, expired or another broker's (the detail). Make another: ocbroker token create",
    ],
    [403, 4, 'refuses this token for the gateway gw1 (the detail). It must have the scope gateway:gw1'],
    [404, 4, 'knows no gateway gw1, or is too old to have agents'],
    [409, 5, 'works with other versions of the agent: the detail'],
  ])('ends with words when the broker answers %i', async (status, code, words) => {
    const broker = await startSmallBroker({ refusal: { status, detail: 'the detail' } })
    onTestFinished(broker.stop)
    const { finished } = startAgent(`http://127.0.0.1:${broker.port}`)
    const { code: ended, stderr } = await finished
    expect(stderr).toContain(words)
    expect(stderr).not.toMatch(/\n\s+at /)
    expect(ended).toBe(code)
    expect(broker.requests).toMatchObject([{ headers: { authorization: `Bearer ${TOKEN}` } }])
  })

  test('tries again while the broker cannot be reached, and ends when it is told to', async () => {
    const port = await freePort()
    const agent = startAgent(`http://127.0.0.1:${port}`)
    await agent.waitForOutput(
      /"level":"warn".*"what":"stream","why":"broker: .* cannot be reached.*"agent\.unavailable"/,
    )
    const broker = await startSmallBroker({ port })
    onTestFinished(broker.stop)
    await agent.waitForOutput(/"version":"9\.9","reportEveryMs":60000,"event":"agent\.connected"/, 40_000)
    agent.signal('SIGTERM')
    expect(await agent.finished).toMatchObject({ code: 0 })
    expect(agent.output()).not.toContain(TOKEN)
  })

  test('says what is wrong with its words', async () => {
    const { tokenFile, folder } = folderWithToken()
    const open = folder.file('open')
    writeFileSync(open, TOKEN, { mode: 0o644 })
    const said = async (broker: string, gateway: string, file: string) => {
      const args = ['agent', '--broker', broker, '--gateway', gateway, '--token-file', file]
      const { code, stderr } = await thisMachine.run(process.execPath, [MAIN, ...args])
      expect(code).toBe(1)
      return stderr
    }
    expect(await said('http://192.0.2.1:8080', 'gw1', tokenFile)).toContain(
      'would send the token unencrypted',
    )
    expect(await said('ftp://localhost', 'gw1', tokenFile)).toContain('is not an address such as https://')
    expect(await said('https://localhost', '../gw1', tokenFile)).toContain("is no gateway's name")
    expect(await said('https://localhost', 'gw1', folder.file('none'))).toContain('ocbroker token create')
    expect(await said('https://localhost', 'gw1', open)).toContain('run: chmod o=')
  })
})

describeWith(['openssl'], 'the certificate of the broker', () => {
  test('must be trusted, by the authority of --ca-file', async () => {
    const { folder } = folderWithToken()
    const { certificate, key, authority } = await makeCertificates(folder)
    const tls = { cert: readFileSync(certificate), key: readFileSync(key) }
    const broker = await startSmallBroker({ tls })
    onTestFinished(broker.stop)
    const { finished } = startAgent(`https://localhost:${broker.port}`)
    const { code, stderr } = await finished
    expect(stderr).toMatch(/the certificate of https:\/\/localhost:\d+ is not trusted: .*--ca-file/)
    expect(code).toBe(6)
    const wrongName = startAgent(`https://127.0.0.1:${broker.port}`, '--ca-file', authority)
    expect(await wrongName.finished).toMatchObject({ code: 6 })
    expect(broker.requests, 'no token before the broker is known').toEqual([])
    const trusting = startAgent(`https://localhost:${broker.port}`, '--ca-file', authority)
    await trusting.waitForOutput(/"event":"agent\.connected"/, 20_000)
  })
})

describeWith(['occtl'], 'without ocserv', () => {
  test('the agent names the socket and what to do, and goes on', async () => {
    const broker = await startSmallBroker()
    onTestFinished(broker.stop)
    const agent = startAgent(`http://127.0.0.1:${broker.port}`)
    await agent.waitForOutput(
      /"what":"report","why":"occtl: nothing listens at the socket \S+ \(No such file or directory\): start ocserv, or set --socket/,
      20_000,
    )
    broker.send('order', { id: 'o1', kind: 'end', target: { user: 'alice' } })
    await agent.waitForOutput(/"what":"orders","why":"occtl: nothing listens/, 20_000)
    expect(agent.isRunning()).toBe(true)
    expect(broker.requests.filter(({ method }) => method === 'POST')).toEqual([])
    const { code, stderr } = await startAgent(`http://127.0.0.1:${broker.port}`, '--once').finished
    expect(stderr).toMatch(/^occtl: nothing listens/)
    expect(code).toBe(8)
  })
})
