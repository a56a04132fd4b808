import { generateSync } from 'otplib'
import { expect, test } from 'vitest'
import { newRecoveryCode, recoveryCodeHash } from '../../src/domain/enrolment.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { FormClient, headingOf, keyOn } from '../http/form-client.ts'
import { PASSWORD, startTestBroker } from '../http/test-broker.ts'

test('authenticators are added, renamed and removed one by one, without scripts', async () => {
  const fixture = await startTestBroker()
  await fixture.addUser('alice')
  await fixture.enrol('alice')
  const codes = Array.from({ length: 3 }, () => newRecoveryCode(systemRandom))
  const hashes = codes.map((code) => recoveryCodeHash('alice', code))
  await fixture.records.enrolments.renewRecoveryCodes('alice', hashes)
  const alice = new FormClient(fixture.url)
  await alice.get('/')
  await alice.post('/sign-in', { name: 'alice', password: PASSWORD })
  expect(headingOf(await alice.post('/code', { code: codes[0] ?? '' }))).toBe('Your account')

  const key = keyOn(await alice.post('/authenticator/add', { name: 'Tablet', code: codes[1] ?? '' }))
  const added = await alice.post('/enrol/confirm', { code: generateSync({ secret: key ?? '' }) })
  expect(added.text).toContain('The authenticator is added.')
  expect(await fixture.records.enrolments.recoveryCodesLeft('alice')).toBe(1)
  const all = () => fixture.records.enrolments.registeredOf('alice')
  const [first, second] = await all()
  expect(second?.name).toBe('Tablet')

  await alice.post('/authenticator/rename', { id: second?.id ?? '', name: 'Old tablet' })
  expect((await all()).map(({ name }) => name)).toEqual([undefined, 'Old tablet'])
  const removed = await alice.post('/authenticator/remove', { id: second?.id ?? '', code: codes[2] ?? '' })
  expect(removed.text).toContain('The authenticator is removed.')
  expect((await all()).map(({ id }) => id)).toEqual([first?.id])
})
