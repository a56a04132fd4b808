import fc from 'fast-check'
import type { AccountingRecord, Session } from '../../../src/domain/session.ts'
import { accounting, type Login, MINUTE, NOON, uniqueAddress } from '../samples.ts'

/** One session as it went, reported in accounting records that come in any order and more than once. */
export interface ReportedSession {
  of(
    user: string,
    acctSession: string,
    address: string,
  ): {
    /** Absent where the broker granted it before its records were kept. */
    readonly login: Login | undefined
    readonly arrivals: readonly AccountingRecord[]
    /** What the stored session must be in the end, computed from the events themselves. */
    readonly expected: Partial<Session>
  }
}

const IPV4 = '10.8.0.44'

const course = fc.record({
  login: fc.constantFrom('none', 'unnamed', 'named'),
  startAfterMs: fc.integer({ min: 0, max: 4 * MINUTE }),
  /** Minutes between one record and the next, what flowed meanwhile, and whether the user has moved. */
  intervals: fc.array(
    fc.record({
      minutes: fc.integer({ min: 1, max: 600 }),
      octetsIn: fc.integer({ min: 0, max: 2 ** 40 }),
      octetsOut: fc.integer({ min: 0, max: 2 ** 40 }),
      roams: fc.boolean(),
    }),
    { maxLength: 4 },
  ),
  stops: fc.boolean(),
  /** In which order records arrive, by index into them (modulo their number); each comes at least once. */
  shuffle: fc.array(fc.nat(), { maxLength: 10 }),
  seed: fc.nat(),
})

export const reportedSessions: fc.Arbitrary<ReportedSession> = course.map(
  ({ login, startAfterMs, intervals, stops, ...order }) => ({
    of: (user, acctSession, home) => {
      const startedAt = NOON + startAfterMs
      const sent: AccountingRecord[] = [
        accounting('start', user, acctSession, { address: home, at: startedAt }),
      ]
      let [at, seconds, octetsIn, octetsOut, address] = [startedAt, 0, 0, 0, home]
      intervals.forEach((interval, index) => {
        at += interval.minutes * MINUTE
        seconds += interval.minutes * 60
        octetsIn += interval.octetsIn
        octetsOut += interval.octetsOut
        if (interval.roams) address = uniqueAddress()
        const isStop = stops && index === intervals.length - 1
        const report = { address, at, seconds, octetsIn, octetsOut, ipv4: IPV4 }
        sent.push(
          isStop
            ? accounting('stop', user, acctSession, { ...report, terminateCause: 'Lost-Carrier' })
            : accounting('interim', user, acctSession, report),
        )
      })
      const stopped = stops && intervals.length > 0
      return {
        login:
          login === 'none'
            ? undefined
            : {
                address: home,
                session: { ipv4: '10.8.0.1', acctSession: login === 'named' ? acctSession : undefined },
              },
        arrivals: arrivalsOf(sent, order.shuffle, order.seed),
        // Laid over the session of a login, which keeps the keys that are not here.
        expected: {
          gateway: 'gw1',
          user,
          acctSession,
          address,
          ...(intervals.length > 0 && { ipv4: IPV4 }),
          startedAt,
          updatedAt: at,
          seconds,
          octetsIn,
          octetsOut,
          ...(stopped && { stoppedAt: at, terminateCause: 'Lost-Carrier' }),
        },
      }
    },
  }),
)

/** Every record at least once, some again, in an order that the numbers choose. */
function arrivalsOf(
  sent: readonly AccountingRecord[],
  again: readonly number[],
  seed: number,
): AccountingRecord[] {
  const rest = [...sent, ...again.flatMap((index) => sent[index % sent.length] ?? [])]
  const arrivals: AccountingRecord[] = []
  for (let state = seed; rest.length > 0; state = (state * 1_103_515_245 + 12_345) % 2 ** 31) {
    arrivals.push(...rest.splice(state % rest.length, 1))
  }
  return arrivals
}
