import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { afterAll, describe, expect, test } from 'vitest'
import { folderOutlet } from '../../src/mail/folder.ts'
import { type Letter, NotTaken } from '../../src/mail/outlet.ts'
import { pipeOutlet } from '../../src/mail/pipe.ts'
import { temporaryFolder } from '../real/folder.ts'

const folder = temporaryFolder('outlets')
afterAll(() => folder.remove())

const letter = (more: Partial<Letter> = {}): Letter => ({
  ...{ messageId: 'one@example.org', date: new Date(0), from: { name: 'VPN', address: 'vpn@example.org' } },
  ...{
    to: 'ada@example.org',
    subject: '请绑定身份验证器',
    text: 'open it',
    html: '<p>open it</p>',
    pictures: [],
  },
  ...more,
})

/** A program that does this with the mail at its standard input. */
function program(name: string, body: string): string {
  const path = folder.file(name)
  writeFileSync(path, `#!/bin/sh\n${body}\n`)
  chmodSync(path, 0o700)
  return path
}

describe('a folder', () => {
  test('gets a file for each mail, for its owner alone, and the same file for the same mail', async () => {
    const out = folder.file('out')
    const outlet = folderOutlet(out)
    await outlet.check()
    const path = await outlet.send(letter())
    await outlet.send(letter({ messageId: 'two@example.org' }))
    await outlet.send(letter({ text: 'again' }))
    expect(readdirSync(out).toSorted()).toEqual(['one.eml', 'two.eml'])
    expect([statSync(out).mode & 0o777, statSync(path).mode & 0o777]).toEqual([0o700, 0o600])
    const raw = readFileSync(path, 'utf8')
    expect(raw).toMatch(/^To: ada@example\.org$/m)
    expect(raw).toMatch(/^Message-ID: <one@example\.org>$/m)
    expect(raw).toContain('again')
  })

  test('that cannot be made is named, with what to do', async () => {
    writeFileSync(folder.file('taken'), '')
    const outlet = folderOutlet(folder.file('taken/out'))
    const fault = { message: expect.stringMatching(/taken\/out cannot be written: .*ENOTDIR/) }
    await expect(outlet.check()).rejects.toMatchObject({
      ...fault,
      remedy: expect.stringContaining('mail.folder'),
    })
    await expect(outlet.send(letter())).rejects.toMatchObject(fault)
  })
})

describe('a program', () => {
  test('gets the mail at its standard input, and nothing of it as a word or through a shell', async () => {
    const path = program(
      'keep',
      `printf '%s\\n' "$@" > ${folder.file('words')}; cat > ${folder.file('mail')}`,
    )
    const outlet = pipeOutlet([path, '-t', '-i'])
    await outlet.check()
    expect(await outlet.send(letter({ text: `$(touch ${folder.file('pwned')})` }))).toContain('took it')
    expect(readFileSync(folder.file('words'), 'utf8')).toBe('-t\n-i\n')
    expect(readFileSync(folder.file('mail'), 'utf8')).toMatch(/^To: ada@example\.org$/m)
    expect(readdirSync(folder.path)).not.toContain('pwned')
  })

  test('may end before it has read a long mail', async () => {
    const outlet = pipeOutlet([program('early', 'exit 0')])
    expect(await outlet.send(letter({ text: 'long '.repeat(200_000) }))).toContain('took it')
  })

  test('that finds no such user has refused this mail for good; with any other fault all wait', async () => {
    const refusal = await pipeOutlet([program('nouser', 'echo "no such user" >&2; exit 67')])
      .send(letter())
      .catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(NotTaken)
    expect(refusal).toMatchObject({ isFinal: true, message: expect.stringContaining('67: no such user') })
    await expect(
      pipeOutlet([program('busy', 'echo "disk full" >&2; exit 75')]).send(letter()),
    ).rejects.toMatchObject({
      name: 'CannotSend',
      message: expect.stringContaining('takes no mail: exit code 75: disk full'),
      remedy: expect.stringContaining('mail.pipe'),
    })
  })

  test('that is not there, or may not be run, is named', async () => {
    const missing = pipeOutlet([folder.file('missing')])
    writeFileSync(folder.file('plain'), '')
    const plain = pipeOutlet([folder.file('plain')])
    for (const [outlet, cause] of [
      [missing, /missing takes no mail: .*ENOENT/],
      [plain, /plain takes no mail: .*EACCES/],
    ] as const) {
      await expect(outlet.check()).rejects.toThrow(cause)
      await expect(outlet.send(letter())).rejects.toThrow(cause)
    }
  })
})
