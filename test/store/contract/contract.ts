import { afterAll, beforeAll, describe } from 'vitest'
import type { OpenStore, Repositories } from '../../../src/store/repositories.ts'
import { accountGroupContract } from './account-groups.ts'
import { agentContract } from './agents.ts'
import { attemptContract } from './attempts.ts'
import { auditContract } from './audit.ts'
import { auditSinksContract } from './audit-sinks.ts'
import { censusContract } from './census.ts'
import { directoryLockoutContract } from './directory-lockouts.ts'
import { enrolmentContract } from './enrolments.ts'
import { failureContract } from './failures.ts'
import { gatewayContract } from './gateways.ts'
import { graceContract } from './grace.ts'
import { invitationContract } from './invitations.ts'
import { knownAddressContract } from './known-addresses.ts'
import { leaseContract } from './leases.ts'
import { lockoutHintContract } from './lockout-hints.ts'
import { lockoutSearchContract } from './lockout-search.ts'
import { lockoutContract } from './lockouts.ts'
import { loginContract } from './login.ts'
import { mailContract } from './mails.ts'
import { networkContract } from './networks.ts'
import { passkeyContract } from './passkeys.ts'
import { passwordLinkContract } from './password-links.ts'
import { peopleContract } from './people.ts'
import { prefixLeaseContract } from './prefix-leases.ts'
import { retentionContract } from './retention.ts'
import { searchContract } from './searches.ts'
import { servingBrokerContract } from './serving-brokers.ts'
import { sessionLimitContract } from './session-limits.ts'
import { orderContract } from './session-orders.ts'
import { sessionContract } from './sessions.ts'
import { timelineContract } from './timeline.ts'
import { tokenContract } from './tokens.ts'
import { trafficContract } from './traffic.ts'
import { trustContract } from './trusts.ts'
import { usageContract } from './usage.ts'
import { userContract } from './users.ts'

/**
 * What every store of records must do. One store serves all the tests, which therefore use names of their own.
 * The tests reach it only while they run, through the function that they are given.
 */
export function recordsContract(name: string, open: () => Promise<OpenStore>): void {
  describe(`the records ${name}`, () => {
    let store: OpenStore | undefined
    const records = (): Repositories => {
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
    passwordLinkContract(records)
    mailContract(records)
    passkeyContract(records)
    peopleContract(records)
    accountGroupContract(records)
    loginContract(records)
    lockoutContract(records)
    failureContract(records)
    directoryLockoutContract(records)
    knownAddressContract(records)
    censusContract(records)
    networkContract(records)
    sessionContract(records)
    sessionLimitContract(records)
    usageContract(records)
    leaseContract(records)
    prefixLeaseContract(records)
    auditContract(records)
    attemptContract(records)
    servingBrokerContract(records)
    auditSinksContract(records)
    gatewayContract(records)
    retentionContract(records)
    lockoutSearchContract(records)
    lockoutHintContract(records)
    searchContract(records)
    timelineContract(records)
    tokenContract(records)
    orderContract(records)
    agentContract(records)
    trustContract(records)
    graceContract(records)
    trafficContract(records)
  })
}
