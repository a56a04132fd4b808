import { expect, test } from 'vitest'
import type {
  FirstFactorAnswer,
  FirstFactorContext,
  IdentityProvider,
} from '../../src/domain/identity-provider.ts'
import { Secret } from '../../src/domain/secret.ts'
import { withOpaquePasswords } from '../../src/identity/with-opaque-passwords.ts'

const COMPOSED = 'é'.normalize('NFC')
const APART = new Secret(COMPOSED.normalize('NFD'))
const WRONG = { kind: 'wrong', detail: 'wrong password' } as const

function fixture(toSecond: FirstFactorAnswer) {
  const heard: (readonly [string, FirstFactorContext | undefined])[] = []
  const check = async (password: Secret, context?: FirstFactorContext) => {
    heard.push([password.reveal(), context])
    return password.reveal() === COMPOSED ? toSecond : WRONG
  }
  const store: IdentityProvider = {
    name: 'corp',
    authenticate: (_name, password, _deadline, context) => check(password, context),
    prefetch: () => ({ complete: check, [Symbol.dispose]: () => {} }),
    lookup: async () => ({ kind: 'unknown' }),
    checkReady: async () => {},
  }
  const opaque = withOpaquePasswords(store)
  const ways = [
    (context: FirstFactorContext) => opaque.authenticate('bob', APART, 0, context),
    (context: FirstFactorContext) => opaque.prefetch?.('bob', 0)?.complete(APART, context),
  ]
  return { heard, ways }
}

test.each([0, 1])(
  'a password is sent as typed and then composed, and the account asked about once (%i)',
  async (way) => {
    const { heard, ways } = fixture({ kind: 'right', account: { groups: [], attributes: {} } })
    const identified = async () => true
    expect(await ways[way]?.({ gateway: 'gw1', identified })).toMatchObject({ kind: 'right' })
    expect(heard).toEqual([
      [APART.reveal(), { gateway: 'gw1', identified }],
      [COMPOSED, { gateway: 'gw1' }],
    ])
  },
)

test.each([0, 1])('it was a guess although the second form was sent nowhere (%i)', async (way) => {
  const { ways } = fixture({ kind: 'withheld', reason: 'locked', detail: 'not asked' })
  expect(await ways[way]?.({})).toEqual(WRONG)
})

test('what answers a challenge is sent once', async () => {
  const { heard, ways } = fixture(WRONG)
  await ways[0]?.({ state: 'state' })
  expect(heard).toHaveLength(1)
})
