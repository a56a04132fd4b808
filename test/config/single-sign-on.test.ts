import { writeFileSync } from 'node:fs'
import { afterAll, expect, test } from 'vitest'
import { temporaryFolder } from '../real/folder.ts'
import { configOf, faultOf, GATEWAY } from './loading.ts'

const folder = temporaryFolder('single-sign-on')
writeFileSync(folder.file('secret'), 'between-provider-and-broker\n', { mode: 0o600 })
writeFileSync(folder.file('ca.pem'), '-----BEGIN CERTIFICATE-----\n')
afterAll(() => folder.remove())

const SECTION = {
  name: 'Company login',
  issuer: 'https://login.example.org/realms/staff',
  client_id: 'ocbroker',
  client_secret_file: folder.file('secret'),
  claims: { user: 'preferred_username' },
}

const written = (more: object = {}, portal: object = { public_url: 'https://vpn.example.org' }) =>
  `${GATEWAY}http: {}\nportal: ${JSON.stringify({ ...portal, single_sign_on: { ...SECTION, ...more } })}\n`

test('without lists of acr and amr, no value of the provider is a second factor', async () => {
  const { singleSignOn } = (await configOf(written())).portal
  expect(singleSignOn).toMatchObject({
    issuer: SECTION.issuer,
    authentication: 'basic',
    scopes: ['openid', 'profile', 'email'],
    rules: { userClaim: 'preferred_username', groupsClaim: undefined, acr: [], amr: [] },
    logout: true,
  })
  expect(singleSignOn?.secret.reveal()).toBe('between-provider-and-broker')
})

test('the issuer of a provider on this machine needs no TLS', async () => {
  const { singleSignOn } = (await configOf(written({ issuer: 'http://127.0.0.1:8180' }))).portal
  expect(singleSignOn?.issuer).toBe('http://127.0.0.1:8180')
})

test.each<[string, object, RegExp, RegExp?]>([
  ['issuer', { issuer: 'login.example.org' }, /no URL/],
  ['issuer', { issuer: 'http://login.example.org' }, /not protected by TLS/, /https:/],
  ['issuer', { issuer: 'https://a:b@login.example.org' }, /password/],
  ['issuer', { issuer: 'https://login.example.org/?realm=staff' }, /more than a host/],
  [
    'issuer',
    { issuer: 'https://login.example.org/realms/staff/.well-known/openid-configuration' },
    /describes itself/,
    /^write https:\/\/login\.example\.org\/realms\/staff$/,
  ],
  ['ca_file', { issuer: 'http://localhost:1', ca_file: folder.file('ca.pem') }, /no meaning/],
  ['client_secret_file', { client_secret_file: '/no/such/file' }, /cannot be read|no such/i],
  ['claims.user', { claims: { groups: 'groups' } }, /missing/],
  ['second_factor', { second_factor: {} }, /neither acr nor amr/],
  ['second_factor.amr[0]', { second_factor: { amr: ['pwd'] } }, /one factor/, /mfa/],
  ['scopes[0]', { scopes: ['two words'] }, /no scope/],
])('%s is named where %j is wrong', async (path, more, problem, suggestion = /(?:)/) => {
  expect(await faultOf(written(more))).toMatchObject({
    path: `portal.single_sign_on.${path}`,
    problem: expect.stringMatching(problem),
    ...(suggestion.source !== '(?:)' && { suggestion: expect.stringMatching(suggestion) }),
  })
})

test('the provider needs an address to which it sends browsers back', async () => {
  expect(await faultOf(written({}, {}))).toMatchObject({
    path: 'portal.single_sign_on',
    suggestion: expect.stringContaining('public_url'),
  })
  expect(await faultOf(written({}, { public_url: 'http://vpn.example.org' }))).toMatchObject({
    path: 'portal.public_url',
  })
  expect(await faultOf(written().replace('http: {}\n', ''))).toMatchObject({
    suggestion: expect.stringContaining('http'),
  })
})
