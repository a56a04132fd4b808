import { expect, it } from 'vitest'
import { enrolmentNameIn, freeEnrolmentName, MAX_ENROLMENT_NAME } from '../../src/domain/enrolment-name.ts'

it('the name of an authenticator is one short line', () => {
  expect(enrolmentNameIn('  Lin’s \n phone ')).toEqual({ name: 'Lin’s phone' })
  expect(enrolmentNameIn('备'.repeat(MAX_ENROLMENT_NAME))).toHaveProperty('name')
  expect(enrolmentNameIn('备'.repeat(MAX_ENROLMENT_NAME + 1))).toEqual({ wrong: 'long' })
  expect(enrolmentNameIn(' ')).toEqual({ wrong: 'empty' })
  expect(enrolmentNameIn('phone\u202e')).toEqual({ wrong: 'hidden' })
})

it('a name that another one has gets the first number that is free', () => {
  expect(freeEnrolmentName('Phone', [])).toBe('Phone')
  expect(freeEnrolmentName('Phone', ['Phone', undefined, 'Phone 3'])).toBe('Phone 2')
  const long = 'x'.repeat(MAX_ENROLMENT_NAME)
  expect(freeEnrolmentName(long, [long])).toBe(`${'x'.repeat(MAX_ENROLMENT_NAME - 2)} 2`)
})
