import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { Unavailable } from '../../src/domain/errors.ts'
import { Secret } from '../../src/domain/secret.ts'
import type { LdapOptions } from '../../src/identity/ldap/options.ts'
import { type Corp, openCorp } from '../identity/corp.ts'
import { element, integer } from '../real/ber.ts'
import { makeCertificates } from '../real/certificates.ts'
import { temporaryFolder } from '../real/folder.ts'
import {
  bindResult,
  entry,
  extendedResult,
  type LdapDoubleOptions,
  message,
  searchDone,
  startLdapDouble,
  type Wire,
} from '../real/hostile-ldap.ts'
import { mutations } from '../real/mutations.ts'
import { describeWith } from '../real/needs.ts'
import {
  type RecordingProxy,
  type RecordingProxyOptions,
  startRecordingProxy,
} from '../real/recording-proxy.ts'
import { ADMIN, PEOPLE, person, SLAPD_NEEDS, type Slapd, startSlapd } from '../real/slapd.ts'

const USER_PASSWORD = 'canary of the user'
const SERVICE_PASSWORD = 'canary of the broker'
/** Long enough for a handshake here, short enough for the many that must not succeed. */
const CONNECT_MS = 400

describeWith(SLAPD_NEEDS, 'where TLS was asked for, no password crosses in clear', () => {
  const resources = new AsyncDisposableStack()
  let slapd: Slapd
  let strangers: { certificate: string; key: string }

  beforeAll(async () => {
    slapd = await startSlapd({
      tls: true,
      entries: [person('bob', USER_PASSWORD), person('broker', SERVICE_PASSWORD)],
    })
    resources.defer(slapd.stop)
    const folder = temporaryFolder('stranger')
    resources.defer(folder.remove)
    strangers = await makeCertificates(folder)
  })

  afterAll(() => resources.disposeAsync())

  async function watch(options: RecordingProxyOptions): Promise<RecordingProxy> {
    const proxy = await startRecordingProxy(options)
    onTestFinished(proxy.stop)
    return proxy
  }

  /** Opens a store that goes through the proxy, logs in, and closes it. */
  async function logInOnce(
    proxy: RecordingProxy,
    options: Partial<LdapOptions>,
    scheme = 'ldap',
  ): Promise<string> {
    const corp = openCorp({
      urls: [`${scheme}://localhost:${proxy.port}`],
      user_base: PEOPLE,
      deadlines: { connectMs: CONNECT_MS, operationMs: CONNECT_MS, retryDownMs: CONNECT_MS },
      ...options,
    })
    try {
      const before = proxy.connections
      let outcome = await outcomeOf(corp)
      // A busy machine may not even have come to connect in time.
      for (let more = 0; more < 20 && proxy.connections === before; more++) {
        await sleep(CONNECT_MS)
        outcome = await outcomeOf(corp)
      }
      return outcome
    } finally {
      await corp.close()
    }
  }

  const asService = { bind_dn: `uid=broker,${PEOPLE}`, bind_password: new Secret(SERVICE_PASSWORD) }
  const byTemplate = { bind_template: `uid={user},${PEOPLE}` }

  /** With the password of the broker, and with that of a user as the first that is sent. */
  function logIn(
    proxy: RecordingProxy,
    tls: LdapOptions['tls'] = {},
    scheme?: string,
  ): Promise<readonly string[]> {
    return Promise.all([asService, byTemplate].map((who) => logInOnce(proxy, { ...who, tls }, scheme)))
  }

  const startTls = () => ({ ca_file: slapd.certificates.authority, start_tls: true })

  function expectNoPassword(proxy: RecordingProxy): void {
    expect(proxy.connections).toBeGreaterThan(0)
    for (const password of [USER_PASSWORD, SERVICE_PASSWORD, 'canary'])
      expect(proxy.fromClients().includes(password)).toBe(false)
  }

  test('unlike without TLS, which the proxy shows', async () => {
    const proxy = await watch({ target: slapd.port })
    await logIn(proxy)
    expect(proxy.fromClients().includes(USER_PASSWORD)).toBe(true)
    expect(proxy.fromClients().includes(SERVICE_PASSWORD)).toBe(true)
  })

  test('when all is well', async () => {
    const proxy = await watch({ target: slapd.port })
    expect(await logIn(proxy, startTls())).toEqual(['right', 'right'])
    expectNoPassword(proxy)
  })

  test('when the connection is cut anywhere', async () => {
    const honest = await watch({ target: slapd.port })
    await logInOnce(honest, { ...asService, tls: startTls() })
    const ways = [
      ...places(honest.fromServer().length / honest.connections).map((cutAfterFromServer) => ({
        cutAfterFromServer,
      })),
      ...places(honest.fromClients().length / honest.connections).map((cutAfterFromClient) => ({
        cutAfterFromClient,
      })),
    ]
    expect(ways.length).toBeGreaterThan(25)
    for (const some of chunks(ways, 8)) {
      await Promise.all(
        some.map(async (way) => {
          const proxy = await watch({ target: slapd.port, ...way })
          await logInOnce(proxy, { ...asService, tls: startTls() })
          expectNoPassword(proxy)
        }),
      )
    }
  })

  const ATTACKS: Readonly<Record<string, LdapDoubleOptions['answer']>> = {
    'StartTLS is refused': ({ kind, id }, wire) => {
      if (kind !== 'extended') return trusting(kind, id, wire)
      wire.send(extendedResult(id, 2, 'unsupported extended operation'))
      wire.startTls()
    },
    'StartTLS is granted and the connection dropped': ({ kind, id }, wire) => {
      if (kind === 'extended') wire.socket.end(extendedResult(id))
      else trusting(kind, id, wire)
    },
    'StartTLS is granted and the connection cut': ({ kind, id }, wire) => {
      if (kind !== 'extended') return trusting(kind, id, wire)
      wire.send(extendedResult(id))
      setTimeout(wire.cut, 5)
    },
    'StartTLS is granted and nothing follows': ({ kind, id }, wire) => {
      if (kind === 'extended') wire.send(extendedResult(id))
    },
    'StartTLS is granted and LDAP goes on in clear': ({ kind, id }, wire) => {
      if (kind === 'extended') wire.send(extendedResult(id))
      setTimeout(() => wire.send(bindResult(id + 1), searchDone(id + 1)), 5)
    },
    'StartTLS is granted together with answers to what is not asked yet': ({ kind, id }, wire) => {
      if (kind === 'extended') wire.send(extendedResult(id), bindResult(1), bindResult(2))
      if (kind === 'extended') wire.startTls()
      else trusting(kind, id, wire)
    },
    'StartTLS is granted together with half a message': ({ kind, id }, wire) => {
      if (kind === 'extended') wire.send(extendedResult(id), swallowing(1))
      if (kind === 'extended') wire.startTls()
      else trusting(kind, id, wire)
    },
    'StartTLS is answered to another question': ({ kind, id }, wire) => {
      if (kind !== 'extended') return trusting(kind, id, wire)
      wire.send(extendedResult(id + 1))
      wire.startTls()
    },
    'StartTLS is answered by another kind of answer': ({ kind, id }, wire) => {
      if (kind !== 'extended') return trusting(kind, id, wire)
      wire.send(bindResult(id))
      wire.startTls()
    },
    'StartTLS is never answered': () => {},
    'StartTLS is answered octet by octet, and late': ({ kind, id }, wire) => {
      if (kind === 'extended') wire.drip(extendedResult(id), 100)
    },
    'StartTLS is answered by a huge length': (_, wire) => {
      wire.send(Buffer.from([0x30, 0x84, 0x7f, 0xff, 0xff, 0xff]))
    },
  }

  for (const [attack, answer] of Object.entries(ATTACKS)) {
    test(`when ${attack}`, async () => {
      const double = await startLdapDouble({ answer, certificates: slapd.certificates })
      onTestFinished(double.stop)
      const proxy = await watch({ target: double.port })
      expect(await logIn(proxy, startTls())).toEqual(['unavailable', 'unavailable'])
      expectNoPassword(proxy)
      expect(double.requests.filter(({ kind }) => kind !== 'extended')).toEqual([])
    })
  }

  test('when the answer to StartTLS is mutated BER', async () => {
    const mutate = mutations(0x5eed)
    const double = await startLdapDouble({
      certificates: slapd.certificates,
      answer: ({ kind, id }, wire) => {
        if (kind !== 'extended') return trusting(kind, id, wire)
        wire.send(mutate(extendedResult(id, 0, 'words that can be changed without harm')))
      },
    })
    onTestFinished(double.stop)
    const proxy = await watch({ target: double.port })
    // It never speaks TLS, so every login that succeeds was sent in clear.
    const logins = Array.from({ length: 48 }, (_, count) => (count % 2 === 0 ? asService : byTemplate))
    for (const some of chunks(logins, 8)) {
      const outcomes = some.map((who) => logInOnce(proxy, { ...who, tls: startTls() }))
      expect(new Set(await Promise.all(outcomes))).toEqual(new Set(['unavailable']))
    }
    expectNoPassword(proxy)
    expect(double.requests.filter(({ kind }) => kind !== 'extended')).toEqual([])
  })

  test('when the certificate is a stranger’s, by StartTLS or from the start', async () => {
    for (const tls of [true, false]) {
      const double = await startLdapDouble({
        tls,
        certificates: strangers,
        answer: ({ kind, id }, wire) => {
          if (kind !== 'extended') return trusting(kind, id, wire)
          wire.send(extendedResult(id))
          wire.startTls()
        },
      })
      onTestFinished(double.stop)
      const proxy = await watch({ target: double.port })
      expect(await logIn(proxy, startTls(), tls ? 'ldaps' : 'ldap')).toEqual(['unavailable', 'unavailable'])
      expectNoPassword(proxy)
      // Not even under TLS with the stranger.
      expect(double.requests.filter(({ kind }) => kind !== 'extended')).toEqual([])
    }
  })

  test('when LDAP is spoken where TLS should be', async () => {
    const proxy = await watch({ target: slapd.port })
    expect(await logIn(proxy, { ca_file: slapd.certificates.authority }, 'ldaps')).toEqual([
      'unavailable',
      'unavailable',
    ])
    expectNoPassword(proxy)
  })
})

async function outcomeOf(corp: Corp): Promise<string> {
  try {
    return (await corp.login('bob', USER_PASSWORD)).kind
  } catch (error) {
    if (error instanceof Unavailable) return 'unavailable'
    throw error
  }
}

/** Lets everybody in who asks. */
function trusting(kind: string, id: number, wire: Wire): void {
  if (kind === 'search') wire.send(entry(id, ADMIN, { uid: ['bob'] }), searchDone(id))
  if (kind === 'bind') wire.send(bindResult(id))
}

/** The beginning of a bind's success, into whose words the next message would fall. */
function swallowing(id: number): Buffer {
  const whole = message(
    id,
    element(0x61, integer(0, 0x0a), element(0x04, ''), element(0x04, Buffer.alloc(bindResult(id).length))),
  )
  return whole.subarray(0, whole.length - bindResult(id).length)
}

/** Numbers from 1 to `end`: every one at first, where the messages are short, then fewer. */
function places(end: number): number[] {
  const all: number[] = []
  for (let at = 1; at <= end; at += at < 16 ? 1 : Math.ceil(at / 5)) all.push(at)
  return all
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  )
}
