import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type Broker, startBroker } from '../real/broker.ts'
import { describeWith } from '../real/needs.ts'
import { written } from '../real/password-tools.ts'
import { ask, loginRequest, type Reply } from '../real/radius-socket.ts'

const GUIDE = join(import.meta.dirname, '../../docs/migration.md')
const SECTION = 'From ocserv with ocpasswd and google-authenticator'
const USERS = 30

interface Member {
  readonly name: string
  readonly password: string
  readonly address: string
}

/** The calls of the command in a section of the guide, in their order, without comments. */
function callsIn(section: string): string[][] {
  const [, text = ''] = readFileSync(GUIDE, 'utf8').split(`## ${section}\n`)
  const [own = ''] = text.split(/^## /m)
  const lines = own.split('\n').map((line) => line.trim().replace(/ +#.*/, ''))
  return lines.filter((line) => line.startsWith('ocbroker ')).map((line) => line.split(' ').slice(1))
}

describeWith(['ocpasswd', 'google-authenticator', 'oathtool'], 'a site of ocserv with thirty users', () => {
  const members = Array.from({ length: USERS }, (_, at): Member => {
    const number = String(at).padStart(2, '0')
    return { name: `user${number}`, password: `a password, ${number}`, address: `198.51.100.${at + 1}` }
  })

  function makeSite({ folder }: Broker) {
    const [passwords, homes] = [folder.file('ocpasswd'), folder.file('home')]
    const fileOf = (name: string) => join(homes, name, '.google_authenticator')
    for (const [at, { name, password }] of members.entries()) {
      written(
        'ocpasswd',
        ['-c', passwords, '-g', at % 2 === 0 ? 'staff' : 'guests', name],
        `${password}\n${password}\n`,
      )
      mkdirSync(join(homes, name), { recursive: true })
      const kind =
        at % 10 === 9 ? ['-c', '-w', '3'] : ['-t', '-d', '-w', '3', ...(at % 10 === 8 ? ['-S', '60'] : [])]
      written('google-authenticator', [...kind, '-f', '-q', '-u', '-s', fileOf(name)])
    }
    return { passwords, homes, fileOf }
  }

  /** What the phone shows, from the PAM module's own file. */
  function codeOf(file: string): string {
    const text = readFileSync(file, 'utf8')
    const [seed = ''] = text.split('\n')
    const [, step] = /" STEP_SIZE (\d+)/.exec(text) ?? []
    const [, counter] = /" HOTP_COUNTER (\d+)/.exec(text) ?? []
    const kind =
      counter === undefined
        ? ['--totp', `--time-step-size=${step ?? 30}s`]
        : ['--hotp', `--counter=${counter}`]
    return written('oathtool', [...kind, '--base32', seed]).trim()
  }

  test('is moved by the commands of the guide, and everybody logs in with password and phone as before', async () => {
    const broker = await startBroker({ sections: { limits: { gateway: '2000/1s' } } })
    onTestFinished(broker.stop)
    const { passwords, homes, fileOf } = makeSite(broker)
    const paths = new Map([
      ['/etc/ocserv/ocpasswd', passwords],
      ['/home', homes],
    ])
    const calls = callsIn(SECTION)
    expect(calls.map(([verb, noun]) => `${verb} ${noun}`)).toEqual([
      ...Array(4).fill('user import'),
      'user list',
    ])
    const said: string[] = []
    for (const call of calls) {
      const { code, stdout, stderr } = await broker.run(call.map((word) => paths.get(word) ?? word))
      expect({ code, stdout, stderr }).toMatchObject({ code: 0 })
      said.push(stdout)
    }
    expect(said.slice(0, 4)).toEqual([
      '30 users would be imported.\n',
      'Imported 30 users.\n',
      '30 authenticators would be imported.\n',
      'Imported 30 authenticators.\n',
    ])
    for (const { name } of members) expect(said[4]).toContain(name)

    const send = ({ name: user, address: from }: Member, password: string, state?: Buffer) => {
      const request = loginRequest({ secret: broker.secret, user, password, state, from })
      return ask(broker.authPort, request) as Promise<Reply>
    }
    for (const member of members) {
      const { code, state } = await send(member, member.password)
      expect(code, member.name).toBe('Access-Challenge')
      const file = fileOf(member.name)
      expect(await send(member, codeOf(file), state), member.name).toMatchObject({ code: 'Access-Accept' })
    }
    const [first] = members
    if (first === undefined) return expect.unreachable()
    expect(await send(first, 'a password, 01'), 'the password of another').toMatchObject({
      code: 'Access-Reject',
    })
  })
})
