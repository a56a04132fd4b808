import { writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { TemporaryFolder } from '../real/folder.ts'
import { configOf, faultOf, faultsOf, GATEWAY, load, warningsOf } from './loading.ts'

const policy = (text: string) => `${GATEWAY}http: {}\npolicies: [{ name: p, ${text} }]\n`
const times = (text: string) => policy(`when: { times: [{ ${text} }] }, reply: {}`)
const timesOf = async (text: string) => (await configOf(times(text))).policies[0]?.when.times?.[0]

describe('the times of a policy', () => {
  test('are days and hours of a zone', async () => {
    expect(await timesOf('days: [mon-fri], from: "08:00", to: "18:00", zone: Europe/Berlin')).toEqual({
      days: ['mon', 'tue', 'wed', 'thu', 'fri'],
      from: 480,
      to: 1080,
      zone: 'Europe/Berlin',
    })
    const all = { days: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'], from: 0, to: 1440, zone: 'UTC' }
    expect(await timesOf('')).toEqual(all)
    expect((await timesOf('days: [fri-mon, sat]'))?.days).toEqual(['fri', 'sat', 'sun', 'mon'])
    expect(await timesOf('days: [Sun], from: 22:00, to: 06:00')).toMatchObject({
      days: ['sun'],
      from: 1320,
      to: 360,
    })
  })

  test.each([
    ['zone: Europe/Berln', 'zone', 'Europe/Berln', 'did you mean Europe/Berlin?'],
    ['zone: Shanghai', 'zone', 'Shanghai', 'did you mean Asia/Shanghai?'],
    ['zone: "+02:00"', 'zone', '+02:00', 'did you mean'],
    ['days: [monday]', 'days[0]', 'names no days', 'mon-fri'],
    ['days: [mon-fri-sun]', 'days[0]', 'names no days', 'mon-fri'],
    ['from: "8:00"', 'from', 'not a time of day', '"08:00"'],
    ['from: "24:00"', 'from', 'not a time of day', '"08:00"'],
    ['to: "24:01"', 'to', 'not a time of day', '"08:00"'],
    ['to: "07:60"', 'to', 'not a time of day', '"08:00"'],
  ])('are refused with the reason: %s', async (text, key, problem, suggestion) => {
    const fault = await faultOf(times(text))
    expect(fault.path).toBe(`policies[0].when.times[0].${key}`)
    expect(fault.problem).toContain(problem)
    expect(fault.suggestion).toContain(suggestion)
  })

  test('last some time', async () => {
    expect(await faultOf(times('from: "08:00", to: "08:00"'))).toMatchObject({
      path: 'policies[0].when.times[0]',
      problem: 'ends when it begins',
    })
  })
})

describe('the words of a denial', () => {
  const wordsOf = async (deny: string) => (await configOf(policy(`deny: ${deny}`))).policies[0]?.words

  test('are one text, or one for each language', async () => {
    expect(await wordsOf('true')).toBeUndefined()
    expect(await wordsOf('{ message: Ask. }')).toEqual({ en: 'Ask.', 'zh-CN': 'Ask.' })
    expect(await wordsOf('{ message: { en: Ask., zh-CN: 请咨询。 } }')).toEqual({
      en: 'Ask.',
      'zh-CN': '请咨询。',
    })
  })

  test.each([
    ['no', 'neither true', 'write false'],
    ['Ask the desk', 'neither true', '{ message'],
    ['{ text: x }', 'unknown key text', '{ message'],
    ['{ message: { fr: x } }', 'message in fr', 'en'],
    ['{ message: {} }', 'empty message', '{ message'],
    ['{ message: "" }', 'is empty', '{ message'],
    ['{ message: "a\\u202eb" }', 'U+202E', ''],
    [`{ message: "${'x'.repeat(254)}" }`, '254 octets', 'fewer'],
  ])('are refused: %s', async (deny, problem, suggestion) => {
    const fault = await faultOf(policy(`deny: ${deny}`))
    expect(fault.path).toBe('policies[0].deny')
    expect(fault.problem).toContain(problem)
    expect(fault.suggestion ?? '').toContain(suggestion)
  })
})

describe('trust and a fresh second factor', () => {
  test('are read', async () => {
    const { policies } = await configOf(
      `${GATEWAY}http: {}\npolicies:\n  - { name: a, when: { groups: [a] }, require: fresh_second_factor, reply: {} }\n  - { name: b, trust: 12h, reply: {} }\n`,
    )
    expect(policies).toMatchObject([
      { needsFreshFactor: true },
      { needsFreshFactor: false, trustMs: 43_200_000 },
    ])
  })

  test.each([
    ['trust: 12h, require: fresh_second_factor, reply: {}', '', 'policies[0]', 'keep one'],
    ['trust: 12h, deny: true', '', 'policies[0].trust', 'leave it out'],
    ['require: fresh_second_factor, deny: true', '', 'policies[0].require', 'leave it out'],
    ['trust: 12h, reply: {}', 'second_factor: { mode: only }\n', 'policies[0].trust', 'leave it out'],
    ['trust: 31d, reply: {}', '', 'policies[0].trust', '30d or less'],
    ['require: fresh, reply: {}', '', 'policies[0].require', 'fresh_second_factor'],
  ])('are refused where they mean nothing: %s', async (text, more, path, suggestion) => {
    const [fault, ...rest] = await faultsOf(policy(text) + more)
    expect(rest).toEqual([])
    expect(fault?.path).toBe(path)
    expect(`${fault?.problem} ${fault?.suggestion}`).toContain(suggestion)
  })

  test('are warned of where the client’s own words decide, and where no role is known', async () => {
    const byClient = await warningsOf(policy('when: { clients: ["*"] }, trust: 1h, reply: {}'))
    expect(byClient).toMatchObject([
      { path: 'policies[0].trust', problem: expect.stringContaining('says of itself') },
    ])
    const [noHttp] = await warningsOf(`${GATEWAY}policies: [{ name: p, trust: 1h, reply: {} }]\n`)
    expect(noHttp).toMatchObject({
      path: 'policies[0].trust',
      problem: expect.stringContaining('section http'),
    })
  })
})

test('a policy names identity stores that are asked', async () => {
  expect(await faultOf(policy('when: { stores: [locl] }, reply: {}'))).toMatchObject({
    path: 'policies[0].when.stores[0]',
    suggestion: 'did you mean local?',
  })
})

describe('dictionaries', () => {
  const ACME = 'VENDOR Acme 32473\nATTRIBUTE Acme-Role 1 string Acme\nATTRIBUTE My-Class 25 string\n'
  const config = (attributes: string, files = '[acme]') =>
    `${GATEWAY}radius: { dictionaries: ${files} }\npolicies: [{ name: p, reply: { attributes: { ${attributes} } } }]\n`
  const loaded = (text: string, file = ACME, more: (folder: TemporaryFolder) => void = () => {}) =>
    load(text, (folder) => {
      writeFileSync(folder.file('acme'), file)
      more(folder)
    })
  const faults = async (...parts: Parameters<typeof loaded>) => {
    const result = await loaded(...parts)
    return 'faults' in result ? result.faults : []
  }

  test('give attributes of replies, with what is needed to write them', async () => {
    const result = await loaded(config('Acme-Role: [ops, dev]'))
    expect('config' in result && result.config.policies[0]?.reply).toMatchObject({
      attributes: { 'Acme-Role': ['ops', 'dev'] },
      defined: { 'Acme-Role': { vendor: 32473, number: 1, type: 'string' } },
    })
  })

  test('give no other name to what the broker writes itself', async () => {
    expect(await faults(config('My-Class: "OU=admins"'))).toMatchObject([
      { path: 'policies[0].reply.attributes.My-Class', problem: expect.stringContaining('write Class') },
    ])
    expect(await faults(config('Class: x'), `${ACME}ATTRIBUTE Class 1 string Acme\n`)).toMatchObject([
      { problem: 'is written by the broker itself' },
    ])
  })

  test('are read with what they include, and a fault has file and line', async () => {
    const including = '$INCLUDE more\n$INCLUDE- none\nATTRIBUTE Acme-Role one string\n'
    const [fault, ...rest] = await faults(config('', '[acme]'), including, (folder) =>
      writeFileSync(folder.file('more'), 'VENDOR Acme 32473\nNONSENSE\n'),
    )
    expect(fault).toMatchObject({
      path: 'radius.dictionaries[0]',
      line: 2,
      problem: expect.stringMatching(/\/more:2: begins with "NONSENSE"$/),
    })
    expect(rest).toMatchObject([{ problem: expect.stringMatching(/\/acme:3: "one" is not a number$/) }])
  })

  test.each([
    ['[none]', '', 'there is no such file'],
    ['[acme]', '$INCLUDE acme\n', 'files deep'],
    ['[acme]', '$INCLUDE none\n', 'there is no such file'],
    ['[acme]', 'x'.repeat(1024 * 1024 + 1), 'too long'],
    ['[acme]', 'VENDOR Acme 1\nBEGIN-VENDOR Acme\n', 'never ended'],
  ])('that cannot be read are named: %s %#', async (files, file, problem) => {
    const found = await faults(config('', files), file)
    expect(found.map((fault) => fault.problem)).toContainEqual(expect.stringContaining(problem))
  })
})
