import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type Installation, install, type Sections } from '../real/broker.ts'
import { freePort } from '../real/free-port.ts'
import { type Freeradius, startFreeradius } from '../real/freeradius.ts'
import { describeWith } from '../real/needs.ts'
import { addPeople } from '../real/people.ts'
import { ask, loginRequest } from '../real/radius-socket.ts'
import { ADMIN, ADMIN_PASSWORD, PEOPLE, person, SLAPD_NEEDS, type Slapd, startSlapd } from '../real/slapd.ts'

const SECRET = 'between broker and upstream'
const RADIUS = { deadline: '3s' }

describeWith([...SLAPD_NEEDS, 'freeradius'], 'an identity store that cannot be asked', () => {
  const resources = new AsyncDisposableStack()
  let slapd: Slapd
  let stranger: Slapd
  let upstream: Freeradius
  let nothing: number

  beforeAll(async () => {
    slapd = await startSlapd({ tls: true, entries: [person('bob', 'right')] })
    resources.defer(slapd.stop)
    stranger = await startSlapd({ tls: true })
    resources.defer(stranger.stop)
    upstream = await startFreeradius({ secret: SECRET, signsReplies: true, users: [] })
    resources.defer(upstream.stop)
    nothing = await freePort()
  })

  afterAll(() => resources.disposeAsync())

  const directory = (more: Sections = {}) => ({
    type: 'ldap',
    urls: [slapd.tlsUrl],
    tls: { ca_file: slapd.certificates.authority },
    bind_dn: ADMIN,
    bind_password: ADMIN_PASSWORD,
    user_base: PEOPLE,
    ...more,
  })
  const upstreamAt = (port: number, secret: string) => ({
    type: 'radius',
    servers: [{ host: '127.0.0.1', port, secret }],
  })

  async function installed(corp: Sections): Promise<Installation> {
    const sections = {
      radius: RADIUS,
      identity: { order: ['local', 'corp'], corp },
      second_factor: { required: false },
    }
    const installation = await install({ sections })
    onTestFinished(installation.remove)
    return installation
  }

  describe('is named in one line by check and at the start, with the server and the cause:', () => {
    for (const [what, settings, line] of [
      [
        'nothing listens',
        () => directory({ urls: [`ldaps://localhost:${nothing}`] }),
        () => `identity corp: ldaps://localhost:${nothing}: nothing listens there (ECONNREFUSED)`,
      ],
      [
        'a wrong bind password',
        () => directory({ bind_password: 'another' }),
        () =>
          `identity corp: ${slapd.tlsUrl}: it does not know bind_dn ${ADMIN} with this password (49 invalid credentials)`,
      ],
      [
        'a bind name that nobody has',
        () => directory({ bind_dn: 'cn=nobody,dc=example,dc=org' }),
        () =>
          `identity corp: ${slapd.tlsUrl}: it does not know bind_dn cn=nobody,dc=example,dc=org with this password (49 invalid credentials)`,
      ],
      [
        'a certificate of another authority',
        () => directory({ tls: { ca_file: stranger.certificates.authority } }),
        () =>
          `identity corp: ${slapd.tlsUrl}: its certificate is not signed by an authority in ${stranger.certificates.authority} (`,
      ],
      [
        'a certificate for another name',
        () => directory({ tls: { ca_file: slapd.certificates.authority, server_name: 'dc1.example.org' } }),
        () => `identity corp: ${slapd.tlsUrl}: its certificate is for DNS:localhost, not for dc1.example.org`,
      ],
      [
        'no such place for users',
        () => directory({ user_base: 'ou=nowhere,dc=example,dc=org' }),
        () =>
          `identity corp: ${slapd.tlsUrl}: it has no entry ou=nowhere,dc=example,dc=org, or does not show it`,
      ],
      [
        'a schema without the attribute',
        () => directory({ attributes: { ipv4: 'msRADIUSFramedIPAddress' } }),
        () => `identity corp: ${slapd.tlsUrl}: its schema has no attribute msradiusframedipaddress`,
      ],
      [
        'no saslauthd',
        () => ({ type: 'pam', socket: '/nonexistent/mux' }),
        () => 'identity corp: saslauthd at /nonexistent/mux: connect ENOENT /nonexistent/mux',
      ],
      [
        'another shared secret upstream',
        () => upstreamAt(upstream.authPort, 'not the secret of this one'),
        () => `identity corp: 127.0.0.1:${upstream.authPort}: no answer within `,
      ],
    ] as const) {
      test(what, async () => {
        const installation = await installed(settings())
        const { code, stdout } = await installation.run(['check'])
        expect(stdout.split('\n').filter((said) => said.startsWith('FAULT'))).toEqual([
          expect.stringContaining(line()),
        ])
        expect(stdout).toContain('is not sound: 1 fault.')
        expect(code).toBe(1)
        const start = await installation.run(['serve'])
        expect(start.stderr.split('\n').filter((said) => said.startsWith('identity corp: '))).toEqual([
          expect.stringContaining(line()),
        ])
        expect(start.code).toBe(1)
        expect(start.stdout).not.toContain('broker.listening')
      })
    }
  })

  test('does not keep the broker from starting where it is not required, and its users get in when it is there', async () => {
    const installation = await installed(directory({ required: false, on_unavailable: 'continue' }))
    await slapd.kill()
    onTestFinished(async () => {
      await slapd.kill()
      await slapd.start()
    })
    const broker = await installation.serve()
    onTestFinished(broker.stop)
    await addPeople(installation, [{ name: 'lou', password: 'local', enrolled: false }])
    const login = (user: string, password: string) =>
      ask(installation.authPort, loginRequest({ secret: installation.secret, user, password }))
    await broker.logUntil('identity.unavailable', { identity: 'corp', cause: /./ })
    expect(await login('lou', 'local')).toMatchObject({ code: 'Access-Accept' })
    expect(await login('bob', 'right')).toMatchObject({ code: 'Access-Reject' })
    await slapd.start()
    await expect
      .poll(() => login('bob', 'right'), { timeout: 10_000, interval: 500 })
      .toMatchObject({ code: 'Access-Accept' })
  })
})
