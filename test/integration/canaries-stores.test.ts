import { writeFileSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { Attr, Code } from '../../src/radius/codes.ts'
import { first, type Packet } from '../../src/radius/packet.ts'
import { SharedSecret } from '../../src/radius/shared-secret.ts'
import { decryptUserPassword } from '../../src/radius/user-password.ts'
import { upstreamPeer } from '../identity/upstream-peer.ts'
import { type Installation, install, type Sections } from '../real/broker.ts'
import { Canaries } from '../real/canaries.ts'
import { freePort } from '../real/free-port.ts'
import {
  bindResult,
  entry,
  type LdapRequest,
  searchDone,
  startLdapDouble,
  type Wire,
} from '../real/hostile-ldap.ts'
import { ask, loginRequest, type Reply } from '../real/radius-socket.ts'

const UPSTREAM_SECRET = 'between broker and upstream'
const TIMEOUT = '400ms'

test('no password is in a log line or a reply when a directory or another RADIUS server fails', async () => {
  const canaries = new Canaries()
  const servicePassword = canaries.password('bind password')
  const directory = await startLdapDouble({ answer })
  onTestFinished(directory.stop)
  const peer = await upstreamPeer(({ packet, reply, send }) => {
    const typed = passwordIn(packet)
    const echo = { type: Attr.ReplyMessage, value: Buffer.from(`You typed ${typed}`) }
    const user = first(packet, Attr.UserName)?.toString() ?? ''
    if (user.startsWith('reject')) send(reply(Code.AccessReject, [echo]))
    if (user.startsWith('forged')) send(reply(Code.AccessAccept, [echo], { secret: 'another' }))
    if (user.startsWith('nonsense')) send(Buffer.from(typed))
    if (user.startsWith('ask') && first(packet, Attr.State) === undefined)
      send(reply(Code.AccessChallenge, [{ type: Attr.State, value: Buffer.from('s') }]))
    else if (user.startsWith('ask')) send(reply(Code.AccessReject, [echo]))
  })
  const ldap = (more: Sections) => ({
    type: 'ldap',
    user_base: 'dc=x',
    required: false,
    timeout: TIMEOUT,
    ...more,
  })
  const service = { bind_dn: 'cn=broker,dc=x', bind_password_file: 'corp.password' }
  const sections: Sections = {
    second_factor: { required: false },
    limits: { user: '1000/1m', address: '1000/1m' },
    lockout: { after: 900, user_after: 900, address_after: 900, hard_after: 900 },
    identity: {
      order: ['corp', 'denied', 'absent', 'partner', 'system'],
      corp: ldap({ urls: [directory.url], realms: ['corp'], ...service }),
      denied: ldap({ urls: [directory.url], realms: ['denied'], ...service, bind_dn: 'cn=nobody,dc=x' }),
      absent: ldap({ urls: [`ldap://127.0.0.1:${await freePort()}`], realms: ['absent'], ...service }),
      partner: {
        type: 'radius',
        realms: ['partner'],
        required: false,
        timeout: TIMEOUT,
        servers: [{ host: '127.0.0.1', port: peer.port, secret: UPSTREAM_SECRET, status_server: false }],
      },
      system: { type: 'pam', realms: ['system'], required: false, socket: 'nowhere', groups: false },
    },
    log: { level: 'trace' },
  }
  const installation = await installed(sections)
  secretFile(installation, 'corp.password', servicePassword)
  const broker = await installation.serve()
  onTestFinished(broker.stop)

  const replies: (Reply | undefined)[] = []
  const enter = async (user: string, state?: Buffer) => {
    const password = canaries.password(`password of ${user}`)
    const request = loginRequest({ secret: installation.secret, user, password, state })
    const reply = await ask(installation.authPort, request)
    replies.push(reply)
    return reply
  }
  const users = ['wrong', 'cut', 'nonsense', 'silent', 'search-cut', 'nobody'].map((user) => `${user}@corp`)
  await Promise.all([...users, 'any@denied', 'any@absent', 'any@system'].map((user) => enter(user)))
  await Promise.all(['reject', 'forged', 'nonsense', 'silent'].map((user) => enter(`${user}@partner`)))
  const asked = await enter('ask@partner')
  expect(asked?.code).toBe('Access-Challenge')
  await enter('ask@partner', asked?.state)

  expect(directory.requests.map(({ password }) => password)).toContain(servicePassword)
  await broker.process.stop()
  const outcomes = (await broker.log()).map(({ event }) => event)
  expect(outcomes).toEqual(expect.arrayContaining(['login.refused', 'login.unavailable']))
  expect(replies.filter((reply) => reply?.code === 'Access-Accept')).toEqual([])
  expect(canaries.foundIn(Buffer.from((await broker.process.finished).output)), 'logged').toEqual([])
  const messages = replies.map((reply) => reply?.message ?? '').join()
  expect(messages).toContain('Login failed.')
  expect(canaries.foundIn(Buffer.from(messages)), 'told').toEqual([])
})

test('no password of a database, of Redis or of a directory is in what a broker says that cannot start', async () => {
  const canaries = new Canaries()
  const nobody = `127.0.0.1:${await freePort()}`
  const given = (where: string) => canaries.password(where)
  const gateways = [{ name: 'gw', address: '127.0.0.1', secret: given('shared secret') }]
  const corp = {
    type: 'ldap',
    urls: [`ldap://${nobody}`],
    user_base: 'dc=x',
    timeout: TIMEOUT,
    bind_dn: 'cn=broker,dc=x',
    bind_password_file: 'ldap.password',
  }
  const inTheOpen = `postgres://u:${given('PostgreSQL, in the open')}@h/x`
  const faulty: Readonly<Record<string, Sections>> = {
    'the database x on': { storage: { postgres: { url_file: 'postgres.url' }, key_file: 'seed.key' } },
    'odd.url': { storage: { postgres: { url_file: 'odd.url' }, key_file: 'seed.key' } },
    'storage.postgres.url': { storage: { postgres: { url: inTheOpen }, key_file: 'seed.key' } },
    'redis.url': { redis: { url: `redis://:${given('Redis')}@${nobody}` } },
    'the key file': { storage: { sqlite: 'other.db', key_file: 'odd.key' } },
    'identity corp': { identity: { order: ['local', 'corp'], corp } },
  }
  const files = {
    'postgres.url': `postgres://ocbroker:${given('PostgreSQL')}@${nobody}/x`,
    'odd.url': `postgres//ocbroker:${given('PostgreSQL, an odd URL')}@${nobody}/x`,
    'odd.key': `k:${given('key file')}`,
    'ldap.password': given('bind password'),
  }
  const runs = Object.entries(faulty).map(async ([words, sections]) => {
    const installation = await installed({ gateways, ...sections })
    for (const [name, text] of Object.entries(files)) secretFile(installation, name, text)
    const { code, stdout, stderr } = await installation.run(['serve'])
    expect(code, stderr).toBe(1)
    expect(stderr).toContain(words)
    return stdout + stderr
  })
  const said = Buffer.from((await Promise.all(runs)).join('\n'))
  expect(canaries.foundIn(said)).toEqual([])
})

async function installed(sections: Sections): Promise<Installation> {
  const installation = await install({ sections })
  onTestFinished(installation.remove)
  return installation
}

function secretFile({ folder }: Installation, name: string, text: string): void {
  writeFileSync(folder.file(name), `${text}\n`, { mode: 0o600 })
}

/** Opens for the service account, and answers for each user in another bad way. */
function answer({ kind, id, name, password, compares }: LdapRequest, wire: Wire): void {
  const user = compares[0]?.slice('uid='.length) ?? ''
  if (kind === 'search') {
    if (user === 'search-cut') wire.cut()
    else if (user === 'nobody') wire.send(searchDone(id))
    else wire.send(entry(id, `uid=${user},dc=x`, { uid: [user] }), searchDone(id))
  } else if (kind === 'bind') {
    if (name === 'cn=broker,dc=x') wire.send(bindResult(id))
    else if (name.startsWith('uid=cut')) wire.cut()
    else if (name.startsWith('uid=nonsense')) wire.send(Buffer.from('nonsense'))
    else if (!name.startsWith('uid=silent')) wire.send(bindResult(id, 49, `data 52e, not ${password}`))
  }
}

function passwordIn(packet: Packet): string {
  const value = first(packet, Attr.UserPassword) ?? Buffer.alloc(0)
  const secret = new SharedSecret(Buffer.from(UPSTREAM_SECRET))
  return decryptUserPassword(value, packet.authenticator, secret)?.toString() ?? ''
}
