import type { ServingBroker, ServingBrokerStore } from '../domain/serving-broker.ts'
import { type Check, type Finding, fault, hint, notApplicable, ok, warning } from './finding.ts'

/** What a broker with this configuration would say of itself. */
export type OwnBroker = Pick<ServingBroker, 'name' | 'aheadMs' | 'keys' | 'policies' | 'pools'>

/** Three times as long as a broker takes to say it once more. */
const SILENT_MS = 90_000
const ADVICE_ON_FILES = 'give all brokers the same file, and run `ocbroker reload` at each'
const ADVICE_ON_CLOCKS = 'on both machines: timedatectl set-ntp true'
/** Codes change every half minute. */
const MAX_AHEAD_MS = 30_000
const SOME_AHEAD_MS = 5000

/**
 * Whether the brokers that serve by the same records agree: keys, policies, pools, clocks.
 * @param own undefined where the records have no clock of their own, and therefore one broker.
 */
export function checkServingBrokers(
  own: () => Promise<(OwnBroker & { readonly now: number }) | undefined>,
  brokers: Pick<ServingBrokerStore, 'list'>,
): Check {
  return async () => {
    const about = 'other brokers'
    const mine = await own()
    if (mine === undefined) return [notApplicable(about, 'the records are one broker’s')]
    const live = (await brokers.list()).filter(({ seenAt }) => seenAt > mine.now - SILENT_MS)
    const running = live.find(({ name }) => name === mine.name)
    const others = live.filter(({ name }) => name !== mine.name)
    const stale = running === undefined ? [] : filesFindings(mine, running)
    // What the one here serves by is compared; without one, what it would serve by.
    const compared = running === undefined ? mine : { ...running, aheadMs: mine.aheadMs }
    const found = others.flatMap((other) => differences(other, compared))
    if (found.length > 0) return [...stale, ...found]
    const names = others.map(({ name }) => name).join(', ')
    return [...stale, ok(about, others.length === 0 ? 'there are none' : `agree: ${names}`)]
  }
}

function filesFindings(mine: OwnBroker, running: ServingBroker): readonly Finding[] {
  const isSame =
    mine.policies === running.policies &&
    mine.pools === running.pools &&
    mine.keys.join() === running.keys.join()
  if (isSame) return []
  return [
    hint(
      'the broker here',
      'serves by other policies, pools or keys than its files have now',
      'ocbroker reload',
    ),
  ]
}

function differences(other: ServingBroker, mine: OwnBroker): readonly Finding[] {
  const about = `broker ${other.name}`
  return [
    ...keyFindings(about, other.keys, mine.keys),
    ...(other.pools === mine.pools
      ? []
      : [
          fault(
            about,
            'has other pools on the same records: each start or reload takes addresses away from the other',
            ADVICE_ON_FILES,
          ),
        ]),
    ...(other.policies === mine.policies
      ? []
      : [
          warning(
            about,
            'has other policies on the same records: what a user gets depends on the broker',
            ADVICE_ON_FILES,
          ),
        ]),
    ...clockFindings(about, other.aheadMs - mine.aheadMs),
  ]
}

/** While a key is replaced they have different lists, and each must open what the other seals. */
function keyFindings(about: string, [sealing = '', ...rest]: readonly string[], own: readonly string[]) {
  const [ownSealing = ''] = own
  if (own.includes(sealing) && [sealing, ...rest].includes(ownSealing)) return []
  return [
    fault(
      about,
      'has another key file: an authenticator that was enrolled at one cannot be used at the other',
      'copy storage.key_file of the broker whose users can log in to the other, and restart that one',
    ),
  ]
}

function clockFindings(about: string, aheadMs: number): readonly Finding[] {
  const off = Math.abs(aheadMs)
  if (off < SOME_AHEAD_MS) return []
  const says = `has a clock ${Math.round(off / 1000)} s ${aheadMs > 0 ? 'ahead of' : 'behind'} the one here`
  return [
    off < MAX_AHEAD_MS
      ? warning(about, says, ADVICE_ON_CLOCKS)
      : fault(about, `${says}: one of the two refuses right codes`, ADVICE_ON_CLOCKS),
  ]
}
