import { afterAll, beforeAll, describe } from 'vitest'
import type { OpenRecords, Records } from '../../../src/store/records.ts'
import { auditContract } from './audit.ts'
import { enrolmentContract } from './enrolments.ts'
import { gatewayContract } from './gateways.ts'
import { invitationContract } from './invitations.ts'
import { knownAddressContract } from './known-addresses.ts'
import { leaseContract } from './leases.ts'
import { lockoutDeskContract } from './lockout-desk.ts'
import { lockoutContract } from './lockouts.ts'
import { loginContract } from './login.ts'
import { lookingContract } from './looking.ts'
import { networkContract } from './networks.ts'
import { retentionContract } from './retention.ts'
import { sessionContract } from './sessions.ts'
import { tokenContract } from './tokens.ts'
import { userContract } from './users.ts'

/**
 * What every store of records must do. One store serves all the tests, which therefore use names of their own.
 * The tests reach it only while they run, through the function that they are given.
 */
export function recordsContract(name: string, open: () => Promise<OpenRecords>): void {
  describe(`the records ${name}`, () => {
    let store: OpenRecords | undefined
    const records = (): Records => {
      if (store === undefined) throw new Error('the store is not open')
      return store.records
    }
    beforeAll(async () => {
      store = await open()
    })
    afterAll(async () => {
      await store?.close()
    })

    userContract(records)
    enrolmentContract(records)
    invitationContract(records)
    loginContract(records)
    lockoutContract(records)
    knownAddressContract(records)
    networkContract(records)
    sessionContract(records)
    leaseContract(records)
    auditContract(records)
    gatewayContract(records)
    retentionContract(records)
    lockoutDeskContract(records)
    lookingContract(records)
    tokenContract(records)
  })
}
