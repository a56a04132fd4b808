import { describe, expect, test } from 'vitest'
import { configOf, faultOf, faultsOf, GATEWAY, warningsOf } from './loading.ts'

const PORTAL = 'http: {}\nportal: { public_url: "https://vpn.example.org" }\n'
const WANTED = 'second_factor: { enrol_at_login: true }\n'

describe('enrolment within a login', () => {
  test('is off by default', async () => {
    const { secondFactor, policies } = await configOf(GATEWAY)
    expect(secondFactor.enrolAtLogin).toBe(false)
    expect(policies[0]).toMatchObject({ enrolAtLogin: undefined })
  })

  test('is set in general or by policy', async () => {
    const { secondFactor } = await configOf(GATEWAY + PORTAL + WANTED)
    expect(secondFactor.enrolAtLogin).toBe(true)
    const { policies } = await configOf(
      `${GATEWAY}${PORTAL}policies:
  - { name: office, enrol_at_login: true, when: { networks: [198.51.100.0/24] }, reply: {} }
  - { name: elsewhere, enrol_at_login: false, when: { groups: [staff] }, reply: {} }
  - { name: others, reply: {} }
`,
    )
    expect(policies.map(({ enrolAtLogin }) => enrolAtLogin)).toEqual([true, false, undefined])
  })

  test('needs the portal, and its address', async () => {
    const faults = await faultsOf(GATEWAY + WANTED)
    expect(faults.map(({ path, problem }) => [path, problem])).toEqual([
      ['second_factor.enrol_at_login', 'needs the portal, and there is no section http'],
      ['second_factor.enrol_at_login', 'needs the address of the portal'],
    ])
    const byPolicy = `${GATEWAY}http: {}\npolicies: [{ name: all, enrol_at_login: true, reply: {} }]\n`
    expect(await faultOf(byPolicy)).toMatchObject({ path: 'policies[0].enrol_at_login' })
  })

  test('needs an address that a prompt has room for', async () => {
    const host = `https://${'a'.repeat(60)}.example`
    expect(await faultOf(`${GATEWAY}http: {}\nportal: { public_url: "${host}" }\n${WANTED}`)).toMatchObject({
      path: 'portal.public_url',
      problem: 'has 76 characters; a VPN prompt has room for 64',
    })
  })

  test('contradicts enrolment by invitation', async () => {
    const invited = PORTAL.replace('" }', '", enrol: invited }')
    expect((await configOf(GATEWAY + PORTAL)).portal.enrolsByPassword).toBe(true)
    expect((await configOf(GATEWAY + invited)).portal.enrolsByPassword).toBe(false)
    expect(await faultOf(GATEWAY + invited + WANTED)).toMatchObject({
      path: 'second_factor.enrol_at_login',
      problem: 'lets a password alone begin an enrolment, and portal.enrol is invited',
    })
  })

  test('needs a password that identifies the user', async () => {
    const only = 'second_factor: { mode: only, enrol_at_login: true }\n'
    expect(await faultOf(GATEWAY + PORTAL + only)).toMatchObject({ path: 'second_factor.enrol_at_login' })
  })

  test('is a warning if no second factor is required', async () => {
    const optional = 'second_factor: { required: false, enrol_at_login: true }\n'
    expect(await warningsOf(GATEWAY + PORTAL + optional)).toContainEqual(
      expect.objectContaining({ path: 'second_factor.enrol_at_login' }),
    )
  })
})
