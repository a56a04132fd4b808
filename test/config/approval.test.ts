import { describe, expect, test } from 'vitest'
import { passkeysOutrankCodes } from '../../src/app/passkeys.ts'
import { configOf, faultOf, faultsOf, GATEWAY } from './loading.ts'

const PORTAL = 'http: {}\nportal: { public_url: "https://vpn.example.org" }\n'
const APPROVE = 'second_factor: { mode: approve }\n'
const policy = (rest: string) => `policies: [{ name: all, ${rest} }]\n`

describe('approving a login with a passkey', () => {
  test('is set for all, or by policy', async () => {
    const all = await configOf(GATEWAY + PORTAL + APPROVE)
    expect(all.secondFactor.mode).toBe('approve')
    const { policies, secondFactor } = await configOf(
      `${GATEWAY}${PORTAL}policies:
  - { name: strict, second_factor: { mode: approve }, when: { groups: [staff] }, reply: {} }
  - { name: both, second_factor: { mode: either }, when: { groups: [guests] }, reply: {} }
  - { name: others, reply: {} }
`,
    )
    expect(secondFactor.mode).toBe('challenge')
    expect(policies.map(({ secondFactorMode }) => secondFactorMode)).toEqual(['approve', 'either', undefined])
  })

  test('makes a passkey worth more than a code, for all where any policy demands it', async () => {
    const [both, one] = [policy('second_factor: { mode: either }, reply: {}'), policy('reply: {}')]
    const strict = policy('second_factor: { mode: approve }, reply: {}')
    const roles = 'http: { roles: { admin: { groups: [admins], require: passkey }, desk: [helpdesk] } }\n'
    const site = PORTAL.replace('http: {}\n', '')
    const outranks = async (text: string, ...groups: string[]) =>
      passkeysOutrankCodes(await configOf(GATEWAY + site + text))(groups)
    expect(await outranks(`http: {}\n${one}${APPROVE}`)).toBe(true)
    expect(await outranks(`http: {}\n${strict}`)).toBe(true)
    expect(await outranks(`http: {}\n${both}`)).toBe(false)
    expect(await outranks(roles + one, 'admins')).toBe(true)
    expect(await outranks(roles + one, 'helpdesk')).toBe(false)
  })

  test('needs the portal and its address, wherever it is demanded', async () => {
    expect((await faultsOf(GATEWAY + APPROVE)).map(({ path, problem }) => [path, problem])).toEqual([
      ['second_factor.mode', 'approve needs the portal, and there is no section http'],
      ['second_factor.mode', 'approve needs the address of the portal, at which passkeys are used'],
    ])
    const byPolicy = `${GATEWAY}http: {}\n${policy('second_factor: { mode: approve }, reply: {}')}`
    expect(await faultOf(byPolicy)).toMatchObject({
      path: 'policies[0].second_factor.mode',
      suggestion: 'add portal: { public_url: https://… }',
    })
  })

  test.each([
    ['http://vpn.example.org', 'need https, and portal.public_url is http://vpn.example.org'],
    ['https://192.0.2.7', 'need a host name, and https://192.0.2.7 has an address'],
  ])('needs an address at which browsers have passkeys, and not %s', async (address, problem) => {
    const portal = PORTAL.replace('https://vpn.example.org', address)
    expect(await faultOf(GATEWAY + portal + APPROVE)).toMatchObject({
      path: 'second_factor.mode',
      problem: `approve needs passkeys: passkeys ${problem}`,
    })
  })

  test('needs an address that a prompt has room for', async () => {
    const long = PORTAL.replace('vpn', 'v'.repeat(60))
    expect(await faultOf(GATEWAY + long + APPROVE)).toMatchObject({ path: 'portal.public_url' })
  })

  test('has no meaning without a password, nor in a policy that refuses', async () => {
    const demanded = policy('second_factor: { mode: either }, reply: {}')
    const only = `${GATEWAY}${PORTAL}second_factor: { mode: only }\n${demanded}`
    expect(await faultOf(only)).toMatchObject({ path: 'policies[0].second_factor.mode' })
    const denied = policy('second_factor: { mode: approve }, deny: true')
    expect(await faultOf(GATEWAY + PORTAL + denied)).toMatchObject({
      problem: 'has no meaning in a policy that refuses',
    })
  })

  test.each(['append', 'only'])('by policy is no way of typing a password (%s)', async (mode) => {
    const demanded = policy(`second_factor: { mode: ${mode} }, reply: {}`)
    expect(await faultOf(GATEWAY + PORTAL + demanded)).toMatchObject({
      path: 'policies[0].second_factor.mode',
    })
  })
})
