import { expect, test } from 'vitest'
import { configOf, faultOf, GATEWAY } from './loading.ts'

const portal = (written: string) => `${GATEWAY}portal: { ${written} }\n`
const passkeysOf = async (written: string) => (await configOf(portal(written))).portal.passkeys

test('passkeys are for the host of the portal, or for a domain above it', async () => {
  const origin = 'https://vpn.example.org'
  expect(await passkeysOf(`public_url: ${origin}/vpn`)).toEqual({ rpId: 'vpn.example.org', origin })
  expect(await passkeysOf(`public_url: ${origin}, passkeys: { rp_id: example.org }`)).toEqual({
    rpId: 'example.org',
    origin,
  })
  const here = 'http://localhost:8080'
  expect(await passkeysOf(`public_url: "${here}"`)).toEqual({ rpId: 'localhost', origin: here })
})

test('without an address at which browsers offer them there are none', async () => {
  for (const written of [
    '',
    'public_url: http://vpn.example.org',
    'public_url: https://192.0.2.1',
    'public_url: "https://[2001:db8::1]"',
  ])
    expect(await passkeysOf(written)).toBeUndefined()
})

test('a domain that cannot be theirs, or no address, is a fault that names the remedy', async () => {
  const fault = (more: string, rpId: string) => faultOf(portal(`${more}passkeys: { rp_id: ${rpId} }`))
  const url = 'public_url: https://vpn.example.org, '
  for (const rpId of ['example.com', 'pn.example.org', 'org', 'a.vpn.example.org'])
    expect(await fault(url, rpId)).toMatchObject({
      path: 'portal.passkeys.rp_id',
      problem: expect.stringContaining('vpn.example.org'),
    })
  expect(await fault('', 'example.org')).toMatchObject({
    path: 'portal.passkeys',
    problem: expect.stringContaining('address of the portal'),
  })
  expect(await fault('public_url: http://vpn.example.org, ', 'example.org')).toMatchObject({
    path: 'portal.passkeys',
    problem: expect.stringContaining('https'),
  })
  expect(await fault('public_url: https://192.0.2.1, ', 'example.org')).toMatchObject({
    problem: expect.stringContaining('host name'),
  })
})

test('a role cannot require what nobody can have', async () => {
  const roles = 'http: { roles: { admin: { groups: [admins], require: passkey } } }\n'
  expect(await faultOf(GATEWAY + roles)).toMatchObject({ path: 'http.roles.admin' })
  const config = await configOf(portal('public_url: https://vpn.example.org') + roles)
  expect(config.http?.roles.admin).toEqual([{ groups: ['admins'], require: 'passkey' }])
})
