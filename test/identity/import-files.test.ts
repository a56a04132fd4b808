import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseHtpasswd } from '../../src/identity/import/htpasswd.ts'
import { parseOcpasswd } from '../../src/identity/import/ocpasswd.ts'
import { parseUsersOath } from '../../src/identity/import/users-oath.ts'
import { anyCharacter } from '../any-character.ts'

const SHA256 = '$5$8KvFRBRiUxXu0n0c$DWC0ZIv.MjYSyUoSEa38Rpu/x9q0W8LfizZ.pG.u.SB'
const BCRYPT = '$2y$05$abcdefghijklmnopqrstuuHIrMEWpUCQe2YqFR3sXwQ75u4od..9q'
const SEED = '3132333435363738393031323334353637383930'

describe("ocserv's password file", () => {
  it('holds names, groups and hashes, and a lock before the hash', () => {
    const { entries, faults } = parseOcpasswd(
      [`alice:*:${SHA256}`, `Bob:staff,admins:${SHA256}`, `carol:one:!${SHA256}`, 'dave::*', 'erin:*:!'].join(
        '\n',
      ),
    )
    expect(faults).toEqual([])
    expect(entries).toEqual([
      { line: 1, name: 'alice', enabled: true, groups: [], passwordHash: SHA256 },
      { line: 2, name: 'bob', enabled: true, groups: ['staff', 'admins'], passwordHash: SHA256 },
      { line: 3, name: 'carol', enabled: false, groups: ['one'], passwordHash: SHA256 },
      { line: 4, name: 'dave', enabled: true, groups: [] },
      { line: 5, name: 'erin', enabled: false, groups: [] },
    ])
  })

  it('may have empty lines, comments, a byte order mark and the ends of lines that Windows writes', () => {
    const { entries, faults } = parseOcpasswd(
      `\uFEFFalice:*:${SHA256}\r\n\r\n# a comment\r\nbob:*:${SHA256}\r\n`,
    )
    expect(faults).toEqual([])
    expect(entries.map(({ name, line }) => [name, line])).toEqual([
      ['alice', 1],
      ['bob', 4],
    ])
  })

  it.each([
    ['alice', 'the line is not of the form name:groups:hash'],
    [`alice:${SHA256}`, 'the line is not of the form name:groups:hash'],
    [`alice:*:${SHA256}:`, 'the line is not of the form name:groups:hash'],
    [`:*:${SHA256}`, 'there is no name'],
    [`CORP\\bob:*:${SHA256}`, 'no login could carry the name'],
    ['alice:*:', 'there is no hash'],
    ['alice:*:!secret', 'clear text'],
    ['alice:*:$y$j9T$abcdefgh$abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqr', 'yescrypt'],
  ])('has a fault in %s', (line, problem) => {
    const { entries, faults } = parseOcpasswd(`zoe:*:${SHA256}\n${line}`)
    expect(entries.map(({ name }) => name)).toEqual(['zoe'])
    expect(faults).toEqual([{ line: 2, problem: expect.stringContaining(problem) }])
  })

  it('names a user once, however the name is written', () => {
    const { entries, faults } = parseOcpasswd(`bob:*:${SHA256}\nalice:*:${SHA256}\nBOB:staff:${SHA256}`)
    expect(entries).toHaveLength(2)
    expect(faults).toEqual([{ line: 3, problem: 'bob is already in line 1' }])
  })
})

describe('a file of htpasswd', () => {
  it('holds names and hashes of bcrypt, and of crypt(3)', () => {
    expect(parseHtpasswd(`alice:${BCRYPT}\nbob:${SHA256} `)).toEqual({
      entries: [
        { line: 1, name: 'alice', enabled: true, groups: [], passwordHash: BCRYPT },
        { line: 2, name: 'bob', enabled: true, groups: [], passwordHash: SHA256 },
      ],
      faults: [],
    })
  })

  it.each([
    ['alice:$apr1$abcdefgh$IQtUouv7y7Q9dRWkQEPCc.', "Apache's MD5 ($apr1$)"],
    ['alice:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=', 'unsalted SHA-1 ({SHA})'],
    ['alice:rqXexS6ZhobKA', 'DES'],
    ['alice:hunter2', 'clear text'],
    ['alice:realm:5f4dcc3b5aa765d61d8327deb882cf99', 'htdigest'],
    ['alice:', 'there is no hash'],
    ['alice', 'not of the form name:hash'],
  ])('has a fault in %s, which is told without the hash', (line, problem) => {
    const { entries, faults } = parseHtpasswd(`\n${line}\nbob:${BCRYPT}`)
    expect(entries.map(({ name }) => name)).toEqual(['bob'])
    expect(faults).toEqual([{ line: 2, problem: expect.stringContaining(problem) }])
    const hash = line.split(':').at(-1)
    if (hash !== undefined && hash !== '' && hash !== line) expect(faults[0]?.problem).not.toContain(hash)
  })
})

describe("liboath's file of users", () => {
  it('holds counters and clocks, of six to eight digits', () => {
    const text = [
      `HOTP alice - ${SEED}`,
      `HOTP/E/8\tbob\t+\t${SEED}\t5`,
      `HOTP/T30/6 carol - ${SEED}`,
      `  HOTP/T60/7 dave - ${SEED.toUpperCase()} 0 07397267 2026-11-23T09:30:17L`,
    ].join('\n')
    const { entries, faults } = parseUsersOath(text)
    expect(faults).toEqual([])
    const common = { algorithm: 'sha1' }
    expect(entries.map(({ seed: _, ...rest }) => rest)).toEqual([
      { line: 1, name: 'alice', kind: 'hotp', digits: 6, period: 30, lastStep: -1, ...common },
      { line: 2, name: 'bob', kind: 'hotp', digits: 8, period: 30, lastStep: 4, ...common },
      { line: 3, name: 'carol', kind: 'totp', digits: 6, period: 30, lastStep: -1, ...common },
      { line: 4, name: 'dave', kind: 'totp', digits: 7, period: 60, lastStep: -1, ...common },
    ])
    for (const { seed } of entries) expect(seed.reveal()).toBe('12345678901234567890')
  })

  it('counts a counter as used where its last code stands behind it, as liboath writes it after a login', () => {
    const { entries } = parseUsersOath(`HOTP\tbob\t-\t${SEED}\t7\t162583\t2026-11-23T09:30:17L\n`)
    expect(entries).toMatchObject([{ kind: 'hotp', lastStep: 7 }])
  })

  it.each([
    [`OCRA-1:HOTP-SHA1-6:QN08 bob - ${SEED}`, 'OCRA tokens are not taken'],
    [`HOTP/T45 bob - ${SEED}`, 'the type is none of'],
    [`HOTP/T30/9 bob - ${SEED}`, 'the type is none of'],
    ['HOTP bob', 'not of the form type name pin seed'],
    [`HOTP bob 1234 ${SEED}`, 'there is a PIN'],
    ['HOTP bob - 00', 'the seed has 8 bits; 80 is the least'],
    ['HOTP bob - 313233343536373839zz', 'not written in hexadecimal'],
    ['HOTP bob - 313', 'not written in hexadecimal'],
    [`HOTP bob - ${'00'.repeat(65)}`, 'over 64 octets'],
    [`HOTP bob - ${SEED} -1`, 'the counter is not a number'],
    [`HOTP bob - ${SEED} 99999999999999`, 'the counter is not a number, or too large'],
    [`HOTP bob@corp@corp - ${SEED}`, 'no login could carry the name'],
  ])('has a fault in %s, which is told without the seed', (line, problem) => {
    const { entries, faults } = parseUsersOath(`${line}\nHOTP zoe - ${SEED}`)
    expect(entries.map(({ name }) => name)).toEqual(['zoe'])
    expect(faults).toEqual([{ line: 1, problem: expect.stringContaining(problem) }])
    expect(faults[0]?.problem).not.toMatch(/31323334|1234/)
  })

  it('gives a user one authenticator', () => {
    const { entries, faults } = parseUsersOath(`HOTP bob - ${SEED}\nHOTP/T30 bob - ${SEED}`)
    expect(entries).toHaveLength(1)
    expect(faults).toEqual([{ line: 2, problem: 'bob is already in line 1' }])
  })
})

it.each([parseOcpasswd, parseHtpasswd, parseUsersOath])('any text is entries and faults: %o', (parse) => {
  fc.assert(
    fc.property(fc.string({ unit: anyCharacter }), (text) => {
      const { entries, faults } = parse(text)
      expect(entries.length + faults.length).toBeLessThanOrEqual(text.split('\n').length)
    }),
  )
})
