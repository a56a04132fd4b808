import { writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Broker, type Sections, startBroker } from '../real/broker.ts'
import { type Freeradius, startFreeradius } from '../real/freeradius.ts'
import { describeWith } from '../real/needs.ts'
import { addPeople } from '../real/people.ts'
import { ask, loginRequest } from '../real/radius-socket.ts'
import { PEOPLE, person, SLAPD_NEEDS, type Slapd, startSlapd } from '../real/slapd.ts'

const SECRET = 'between gateway and broker'
const UPSTREAM_SECRET = 'between broker and upstream'
const PASSWORD = 'right password'
const COMPOSED = 'Café crème'.normalize('NFC')
/** `openssl passwd -5 -salt saltsalt 'right password'` */
const HASH = '$5$saltsalt$aq7UFY2uBqyAiOkSp2WpikhYnrJB1jlrFgXjLSr2Yn7'

describeWith([...SLAPD_NEEDS, 'freeradius', 'openssl'], 'a name as it was typed', () => {
  const resources = new AsyncDisposableStack()
  let slapd: Slapd
  let upstream: Freeradius
  let broker: Broker

  beforeAll(async () => {
    slapd = await startSlapd({
      entries: [
        person('bsmith', PASSWORD, { mail: 'Bob.Smith@corp.example' }),
        // The account name of one is the local part of the mail address of another.
        person('bob.smith', 'of another', { mail: 'rs@corp.example' }),
        person('İpek', PASSWORD),
        person('ΓΙΩΡΓΟΣ', PASSWORD),
        person('straße', PASSWORD),
        person('routed', PASSWORD, {
          objectClass: 'vpnUser',
          vpnRoute: Array.from({ length: 300 }, (_, index) => `10.${index % 200}.${index >> 1}.0/24`),
        }),
        person('composed', COMPOSED),
        person('apart', COMPOSED.normalize('NFD')),
        person('ann@a.example', 'of a'),
        person('ann@b.example', 'of b'),
      ],
    })
    resources.defer(slapd.stop)
    upstream = await startFreeradius({
      secret: UPSTREAM_SECRET,
      signsReplies: true,
      users: [
        { name: 'JSmith', password: PASSWORD },
        { name: 'pia@partner.example', password: 'with realm' },
        { name: 'pia', password: 'without realm' },
      ],
    })
    resources.defer(upstream.stop)
    const own = stores()
    broker = await startBroker({
      sections: {
        identity: { order: ['local', ...Object.keys(own)], ...own },
        gateways: GATEWAYS.map((name, index) => ({
          ...{ name, address: `127.0.0.${index + 1}`, secret: SECRET },
          ...(name === 'vpn' && { default_realm: 'VPN.example', charset: 'windows-1252' }),
        })),
        second_factor: { required: false },
        limits: { user: '1000/1m', address: '1000/1m' },
        lockout: { after: 5 },
      },
    })
    resources.defer(broker.stop)
    await addPeople(broker, [
      { name: 'ann@a.local', password: 'of a', enrolled: false },
      { name: 'ann@b.local', password: 'of b' },
      { name: 'lou', password: 'in local', enrolled: false },
      { name: 'price', password: 'Preis10€!', enrolled: false },
      { name: 'coffee', password: COMPOSED, enrolled: false },
    ])
  })

  afterAll(() => resources.disposeAsync())

  /** The identity stores that are asked at a gateway, each at one alone; local users get in everywhere. */
  const stores = (): Sections => {
    const corp = {
      type: 'ldap',
      urls: [slapd.url],
      user_base: PEOPLE,
      user_attributes: ['uid', 'mail'],
      attributes: { routes: 'vpnRoute' },
    }
    const partner = {
      type: 'radius',
      servers: [{ host: '127.0.0.1', port: upstream.authPort, secret: UPSTREAM_SECRET }],
    }
    return {
      corp: { ...corp, gateways: ['corp'] },
      owner: { ...corp, gateways: ['owner'], realms: ['corp.example'] },
      keeps: { ...partner, gateways: ['keeps'], strip_realm: false },
      cuts: { ...partner, gateways: ['cuts'], strip_realm: true },
      partner: { ...partner, gateways: ['partner'], realms: ['partner.example'] },
      places: { ...partner, gateways: ['places'], realms: ['partner.example'], strip_realm: false },
    }
  }

  const GATEWAYS = ['corp', 'owner', 'keeps', 'cuts', 'partner', 'places', 'vpn'] as const

  async function login(at: (typeof GATEWAYS)[number], user: string, password: string | Buffer) {
    const source = `127.0.0.${GATEWAYS.indexOf(at) + 1}`
    const reply = await ask(broker.authPort, loginRequest({ secret: SECRET, user, password }), { source })
    return reply?.code
  }

  /** Of the sessions at a gateway. */
  async function subjects(at: (typeof GATEWAYS)[number]) {
    const all = await broker.ocbroker(['session', 'list', '--all'])
    return (all as { gateway: string; user: string; subject: string }[])
      .filter(({ gateway }) => gateway === at)
      .map(({ user, subject }) => `${user} is ${subject}`)
      .sort()
  }

  describe('in a directory', () => {
    test('is tried by every attribute that the site names, a mail address too', async () => {
      for (const user of ['bsmith', 'Bob.Smith@corp.example', 'bob.smith@CORP.example'])
        expect(await login('corp', user, PASSWORD), user).toBe('Access-Accept')
      expect(await login('corp', 'bob.smith', PASSWORD), 'another').toBe('Access-Reject')
      expect(await login('corp', 'bob.smith', 'of another')).toBe('Access-Accept')
      expect(await subjects('corp')).toEqual([
        'Bob.Smith@corp.example is bsmith',
        'bob.smith is bob.smith',
        'bob.smith@CORP.example is bsmith',
        'bsmith is bsmith',
      ])
    })

    test('means the mail address even where the store owns the realm, and then the name before it', async () => {
      expect(await login('owner', 'bob.smith@corp.example', PASSWORD)).toBe('Access-Accept')
      expect(await login('owner', 'bob.smith@corp.example', 'of another')).toBe('Access-Reject')
      expect(await login('owner', 'bsmith@corp.example', PASSWORD)).toBe('Access-Accept')
      expect(await subjects('owner')).toEqual([
        'bob.smith@corp.example is bsmith@corp.example',
        'bsmith@corp.example is bsmith@corp.example',
      ])
    })

    test('is found in capitals and in other forms that lower case would change', async () => {
      for (const user of ['İpek', 'ΓΙΩΡΓΟΣ', 'straße'])
        expect(await login('corp', user, PASSWORD), user).toBe('Access-Accept')
      expect(await login('corp', 'ipek', PASSWORD), 'another letter').toBe('Access-Reject')
    })

    test('is one of two people where they have one local part', async () => {
      expect(await login('corp', 'ann@a.example', 'of a')).toBe('Access-Accept')
      expect(await login('corp', 'ann@b.example', 'of b')).toBe('Access-Accept')
      expect(await login('corp', 'ann@b.example', 'of a')).toBe('Access-Reject')
      expect(await login('corp', 'ann', 'of a')).toBe('Access-Reject')
      expect(await subjects('corp')).toEqual(
        expect.arrayContaining(['ann@a.example is ann@a.example', 'ann@b.example is ann@b.example']),
      )
    })
  })

  describe('of a local user', () => {
    test('may be a mail address: two domains are two people, with two second factors', async () => {
      expect(await login('vpn', 'Ann@A.local', 'of a')).toBe('Access-Accept')
      expect(await login('vpn', 'ann@b.local', 'of b')).toBe('Access-Challenge')
      expect(await login('vpn', 'ann@b.local', 'of a')).toBe('Access-Reject')
      expect(await login('vpn', 'ann', 'of a')).toBe('Access-Reject')
      expect(await broker.ocbroker(['explain', 'ann@b.local'])).toMatchObject({
        enrolments: [{ subject: 'ann@b.local' }],
      })
    })

    test('comes from ocpasswd and users.oath with its domain', async () => {
      const ocpasswd = broker.folder.file('ocpasswd')
      const oath = broker.folder.file('users.oath')
      writeFileSync(ocpasswd, `Eve@a.local:*:${HASH}\neve@b.local:*:${HASH}\n`)
      writeFileSync(oath, 'HOTP/T30 eve@a.local - 3132333435363738393031323334353637383930\n')
      await broker.ocbroker(['user', 'import', ocpasswd, '--format', 'ocpasswd'])
      await broker.ocbroker(['user', 'import', oath, '--format', 'oath'])
      expect(await login('vpn', 'eve@a.local', PASSWORD)).toBe('Access-Challenge')
      expect(await login('vpn', 'eve@b.local', PASSWORD)).toBe('Access-Accept')
    })

    test('is refused where its realm is that of another store, which alone would be asked', async () => {
      const input = `${PASSWORD}\n`
      const added = await broker.run(['user', 'add', 'new@corp.example', '--password-stdin'], { input })
      expect([added.code, added.stderr]).toEqual([1, expect.stringContaining('belongs to another identity')])
      const file = broker.folder.file('of-another')
      writeFileSync(file, `new@corp.example:*:${HASH}\n`)
      const imported = await broker.run(['user', 'import', file, '--format', 'ocpasswd'])
      expect(imported.stdout).toContain('line 1: the realm of new@corp.example belongs to another')
    })

    test('loses the default realm of its gateway, at this gateway alone', async () => {
      expect(await login('vpn', 'Lou@vpn.example', 'in local')).toBe('Access-Accept')
      expect(await login('vpn', 'lou', 'in local')).toBe('Access-Accept')
      expect(await login('keeps', 'lou@vpn.example', 'in local')).toBe('Access-Reject')
      expect(await login('vpn', 'lou@other.example', 'in local')).toBe('Access-Reject')
    })
  })

  describe('at another RADIUS server', () => {
    test('is sent as it came, in its case and with its realm', async () => {
      expect(await login('keeps', 'JSmith', PASSWORD)).toBe('Access-Accept')
      expect(await login('keeps', 'jsmith', PASSWORD)).toBe('Access-Reject')
      expect(await login('keeps', 'pia@partner.example', 'with realm')).toBe('Access-Accept')
      expect(await login('keeps', 'pia', 'without realm')).toBe('Access-Accept')
      expect(await subjects('keeps')).toEqual([
        'JSmith is jsmith',
        'pia is pia',
        'pia@partner.example is pia@partner.example',
      ])
    })

    test('loses every realm with `strip_realm: true`, and is one person for all of them', async () => {
      for (const user of ['pia', 'pia@partner.example', 'X\\pia'])
        expect(await login('cuts', user, 'without realm'), user).toBe('Access-Accept')
      expect((await subjects('cuts')).map((each) => each.split(' is ')[1])).toEqual(['pia', 'pia', 'pia'])
    })

    test('loses the realms of the store, and keeps them with `strip_realm: false`', async () => {
      expect(await login('partner', 'pia@partner.example', 'without realm')).toBe('Access-Accept')
      expect(await login('places', 'pia@partner.example', 'with realm')).toBe('Access-Accept')
      for (const at of ['partner', 'places'] as const)
        expect(await subjects(at)).toEqual(['pia@partner.example is pia@partner.example'])
    })
  })

  describe('with a password', () => {
    test('in letters taken apart is right where it was set in composed ones, and as it was typed', async () => {
      const apart = COMPOSED.normalize('NFD')
      for (const [at, user] of [
        ['vpn', 'coffee'],
        ['corp', 'composed'],
        ['corp', 'apart'],
      ] as const)
        expect(await login(at, user, apart), `${user} at ${at}`).toBe('Access-Accept')
      expect(await login('vpn', 'coffee', COMPOSED.replace(' ', '\u00a0'))).toBe('Access-Accept')
    })

    test('in either form is one guess', async () => {
      const wrong = 'Café noir'.normalize('NFD')
      for (let guess = 1; guess < 5; guess += 1)
        expect(await login('corp', 'composed', wrong)).toBe('Access-Reject')
      expect(await login('corp', 'composed', COMPOSED), 'a fifth').toBe('Access-Accept')
    })

    test('in Windows-1252 is right where the gateway says that it sends it, and else the line says so', async () => {
      const typed = Buffer.from('Preis10\x80!', 'latin1')
      expect(await login('vpn', 'price', typed)).toBe('Access-Accept')
      expect(await login('keeps', 'price', typed)).toBe('Access-Reject')
      await broker.logUntil('login.refused', { user: 'price', gateway: 'keeps' })
      expect(await login('keeps', 'price', 'Preis10€!')).toBe('Access-Accept')
    })
  })

  describe('is explained as it is decided', () => {
    test('where no reply can carry what the directory gives', async () => {
      expect(await login('corp', 'routed', PASSWORD)).toBe('Access-Reject')
      expect(await broker.ocbroker(['explain', 'routed', '--gateway', 'corp'])).toMatchObject({
        outcome: { kind: 'would_be_refused', reason: 'no_policy', words: expect.stringMatching(/octets/) },
      })
      expect(await login('corp', 'bsmith', PASSWORD)).toBe('Access-Accept')
      expect(await broker.ocbroker(['explain', 'bsmith', '--gateway', 'corp'])).toMatchObject({
        outcome: {
          kind: 'would_pass',
          words: 'With the right password the user gets in by policy everyone.',
        },
      })
    })

    test('with what depends on the address, where none is given', async () => {
      for (let guess = 0; guess < 5; guess += 1) await login('vpn', 'price', `guess ${guess}`)
      const words = async (...args: string[]) => {
        const answer = await broker.ocbroker(['explain', 'price', '--gateway', 'vpn', ...args])
        return (answer as { outcome: { words: string } }).outcome.words
      }
      expect(await words()).toMatch(
        /^Depends on the address: locked from 198\.51\.100\.1 until \d{4}-\S+Z\. From elsewhere: With the right password the user gets in by policy everyone\.$/,
      )
      expect(await words('--from', '198.51.100.1')).toMatch(/^Locked/)
      expect(await words('--from', '198.51.100.2')).toMatch(/^With the right password/)
    })
  })

  test('has one budget of guesses in all its spellings, owned realm or not', async () => {
    for (const user of ['pia', 'PIA', 'pia@a.example', 'pia@b.example', 'X\\Pia'])
      expect(await login('cuts', user, 'a guess')).toBe('Access-Reject')
    expect(await login('cuts', 'pia@c.example', 'without realm'), 'a sixth').toBe('Access-Reject')
    expect(await broker.ocbroker(['lockout', 'list'])).toContainEqual(
      expect.objectContaining({ user: 'pia', gateway: 'cuts' }),
    )
  })
})
