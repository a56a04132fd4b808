import { expect, test } from 'vitest'
import type { ClaimRules } from '../../src/domain/single-sign-on.ts'
import { VerifiedClaims, verifyClaims } from '../../src/login/verified-claims.ts'

const RULES: ClaimRules = {
  userClaim: 'preferred_username',
  groupsClaim: 'groups',
  acr: ['urn:two-factors'],
  amr: ['mfa', 'hwk'],
}
const TOKEN = { iss: 'https://login.example.org', sub: '17', preferred_username: 'ada' }

async function read(claims: object, rules: Partial<ClaimRules> = {}) {
  const provider = {
    redeem: async () => ({ kind: 'claims', claims: { ...TOKEN, ...claims }, idToken: 'a.b.c' }) as const,
  }
  const secrets = { state: 's', nonce: 'n', verifier: 'v' }
  return verifyClaims(provider, '', secrets, { ...RULES, ...rules })
}

async function signedOn(claims: object, rules?: Partial<ClaimRules>) {
  const answer = await read(claims, rules)
  if (!(answer instanceof VerifiedClaims)) throw new Error(JSON.stringify(answer))
  return answer
}

test('only values that the operator has named stand for a second factor', async () => {
  const has = async (claims: object, rules?: Partial<ClaimRules>) =>
    (await signedOn(claims, rules)).signedOn.hasSecondFactor
  expect(await has({})).toBe(false)
  expect(await has({ acr: 'urn:two-factors' })).toBe(true)
  expect(await has({ amr: ['pwd', 'hwk'] })).toBe(true)
  expect(await has({ acr: 'urn:one-factor', amr: ['pwd'] })).toBe(false)
  // A value of one claim is none of the other, and a text is no list.
  expect(await has({ acr: 'mfa', amr: ['urn:two-factors'] })).toBe(false)
  expect(await has({ amr: 'mfa' })).toBe(false)
  expect(await has({ acr: ['urn:two-factors'] })).toBe(false)
  expect(await has({ acr: 'urn:two-factors', amr: ['mfa'] }, { acr: [], amr: [] })).toBe(false)
})

test('a mail address is a name only where the provider has verified it', async () => {
  const rules = { userClaim: 'email' }
  const email = 'ada@example.org'
  for (const email_verified of [undefined, false, 'true', 1])
    expect(await read({ email, email_verified }, rules)).toMatchObject({
      kind: 'refused',
      detail: expect.stringContaining('email_verified'),
    })
  expect((await signedOn({ email, email_verified: true }, rules)).name.raw).toBe(email)
})

test('a claim that is no user name signs nobody in', async () => {
  for (const preferred_username of [undefined, '', 17, ['ada'], { ada: true }, 'a'.repeat(300), 'a\u0000b'])
    expect(await read({ preferred_username })).toMatchObject({ kind: 'refused' })
})

test('a name that only passes for another is nobody’s', async () => {
  // Wide letters, a Kelvin sign, a long s, a sharp s, a ligature, a wide mark, blanks, characters that nobody sees.
  for (const preferred_username of [
    'ａｄａ',
    'bo\u212a',
    'be\u017fs',
    'groß',
    'o\ufb03ce',
    'ada＠example.org',
    ' ada',
    'ada ',
    'a\u200dda',
    'u\u0308mit',
  ])
    expect(await read({ preferred_username })).toMatchObject({
      kind: 'refused',
      detail: expect.stringContaining('pass for others'),
    })
  for (const [preferred_username, username] of [
    ['Ada.Lovelace', 'ada.lovelace'],
    ['Ümit', 'ümit'],
    ['王伟', '王伟'],
    ['CORP\\ada', 'ada'],
    ['ada@Example.org', 'ada'],
  ])
    expect((await signedOn({ preferred_username })).name.username).toBe(username)
})

test('groups are a list or one text, and only where the operator has named the claim', async () => {
  const groups = async (claims: object, rules?: Partial<ClaimRules>) =>
    (await signedOn(claims, rules)).signedOn.groups
  expect(await groups({ groups: ['admins', 'staff'] })).toEqual(['admins', 'staff'])
  expect(await groups({ groups: 'admins' })).toEqual(['admins'])
  expect(await groups({ groups: ['admins', 17, null, { name: 'x' }, ''] })).toEqual(['admins'])
  expect(await groups({ groups: { admins: true } })).toEqual([])
  expect(await groups({ groups: ['admins'] }, { groupsClaim: undefined })).toEqual([])
})
