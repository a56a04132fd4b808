import type { PasskeyChallenge } from '../../src/domain/passkey.ts'
import { systemRandom } from '../../src/domain/random.ts'
import type { ChallengePrompt } from '../../src/login/ask-for-code.ts'
import type { Decision } from '../../src/login/flow.ts'
import { PasskeyAssertions } from '../../src/login/passkey-assertions.ts'
import { Approving } from '../../src/manage/approving.ts'
import { EnrollingPasskeys } from '../../src/manage/enrolling-passkeys.ts'
import { Passkeys } from '../../src/manage/passkeys.ts'
import { createLoginFixture, type LoginFixtureOptions } from './fixture.ts'
import { SoftwareAuthenticator } from './software-authenticator.ts'

const ORIGIN = 'https://vpn.example.org'
const SITE = { rpId: 'vpn.example.org', origin: ORIGIN, name: 'VPN' }
const BROWSER = 'the token of a browser'

export type Approve = Extract<ChallengePrompt, { readonly kind: 'approve' }>

/** The login flow with users who have passkeys, and the page on which they approve. */
export async function createApprovingFixture(options: LoginFixtureOptions = {}) {
  const login = await createLoginFixture({ mode: 'approve', approves: true, ...options })
  const { records, limits, approvals, clock, open } = login
  const challenges = open<PasskeyChallenge>('passkeys', 100)
  const passkeyOptions = { ...records, challenges, site: SITE, clock, random: systemRandom }
  const enrolling = new EnrollingPasskeys(passkeyOptions)
  const passkeys = new Passkeys(passkeyOptions)
  const assertions = new PasskeyAssertions(passkeyOptions)
  const lockoutRules = {
    after: 5,
    userAfter: 20,
    addressAfter: 50,
    withinMs: 600_000,
    forMs: 300_000,
    upToMs: 3_600_000,
    hardAfter: 100,
    ...options.rules,
  }
  const approving = new Approving({
    approvals,
    assertions,
    limits,
    records: records.login,
    audit: records.audit,
    lockoutRules,
    exempt: options.exempt ?? [],
    clock,
    random: systemRandom,
  })
  const devices = new Map<string, SoftwareAuthenticator>()
  const site = {
    ...login,
    passkeys,
    approving,
    /** A passkey of the subject that has answered for this purpose. */
    async verified(purpose: string, subject = 'bob') {
      const use = { purpose, browser: BROWSER }
      const { challenge } = await assertions.optionsFor(use, subject)
      const by = await assertions.verify(devices.get(subject)?.get(challenge) ?? '', use)
      if (by.kind === 'refused') throw new Error(by.detail)
      return by
    },
    async addPasskey(subject: string): Promise<void> {
      const device = new SoftwareAuthenticator(ORIGIN)
      const owner = { subject, browser: BROWSER }
      await enrolling.register(
        device.create(await enrolling.registrationOptions(owner, subject)),
        owner,
        'phone',
        {},
      )
      devices.set(subject, device)
    },
    /** The request that the page of the subject shows. */
    shown: (subject = 'bob') => approving.shownTo(subject),
    /** What the subject's passkey says to a request and a number; undefined where the page does not ask it. */
    async assertion(id: string, number: number, subject = 'bob'): Promise<string | undefined> {
      const asked = await approving.optionsFor({ subject, browser: BROWSER }, { id, number })
      return asked && devices.get(subject)?.get(asked.challenge)
    },
    /** Chooses a number on the page, and shows the passkey. */
    async choose(id: string, number: number, subject = 'bob') {
      const answer = (await site.assertion(id, number, subject)) ?? ''
      return site.send(id, number, answer, subject)
    },
    send: (id: string, number: number, answer: string, subject = 'bob') =>
      approving.approve({ subject, browser: BROWSER }, { id, number }, answer, { address: '203.0.113.80' }),
    /** Kinds of the audit trail, the oldest first. */
    async kinds() {
      return (await records.audit.list({ limit: 100, order: 'oldest' })).map(({ kind }) => kind)
    },
  }
  return site
}

export type ApprovingFixture = Awaited<ReturnType<typeof createApprovingFixture>>

/** The State and the prompt of a login that waits for approval. */
export function waiting(decision: Decision): { readonly state: string; readonly prompt: Approve } {
  if (decision.kind !== 'challenge' || decision.prompt.kind !== 'approve')
    throw new Error(`does not wait for approval: ${JSON.stringify(decision)}`)
  return { state: decision.state, prompt: decision.prompt }
}
