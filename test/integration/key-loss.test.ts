import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { type Installation, install } from '../real/broker.ts'
import { addPeople } from '../real/people.ts'

describe('a broker whose key file was lost after users enrolled', () => {
  let installation: Installation
  beforeEach(async () => {
    installation = await install()
    onTestFinished(installation.remove)
    await addPeople(installation, [{ name: 'alice', password: 'correct horse' }])
    renameSync(installation.keyFile, `${installation.keyFile}.safe`)
  })

  const verbs = [['serve'], ['totp', 'enrol', 'bob'], ['user', 'list']]

  test.each(verbs)('does not %s, makes no key by itself, and says what to do', async (...verb) => {
    const { code, stdout, stderr } = await installation.run(verb)
    expect(code).toBe(1)
    expect(stdout).toBe('')
    expect(stderr).toMatch(/^the key file .*seed\.key is missing, .* Bring back the copy .*\n$/)
    expect(existsSync(installation.keyFile)).toBe(false)
  })

  test.each(verbs)('does not %s with another key either', async (...verb) => {
    writeFileSync(installation.keyFile, `other:${Buffer.alloc(32, 7).toString('base64')}\n`, { mode: 0o600 })
    const { code, stderr } = await installation.run(verb)
    expect(code).toBe(1)
    expect(stderr).toMatch(/^the key file .*seed\.key lacks what sealed authenticators .*\n$/)
  })

  test('goes on with the copy, and without users in need of it with a new key', async () => {
    renameSync(`${installation.keyFile}.safe`, installation.keyFile)
    await (await installation.serve()).stop()
    await installation.ocbroker(['totp', 'revoke', 'alice'])
    rmSync(installation.keyFile)
    await (await installation.serve()).stop()
    expect(existsSync(installation.keyFile)).toBe(true)
  })
})
