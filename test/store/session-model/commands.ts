import fc from 'fast-check'
import { MINUTE } from '../samples.ts'
import type { Site, Wish } from './site.ts'

/** One thing that happens at a site; its words are what a failure prints. */
interface Happening {
  readonly words: string
  readonly run: (site: Site) => Promise<void>
}

const nat = (max: number) => fc.nat({ max })
const broker = nat(1)
const wish: fc.Arbitrary<Wish> = fc.record({
  user: nat(2),
  gateway: nat(1),
  client: nat(2),
  broker,
  comesUp: fc.boolean(),
})

function happening<Values extends readonly unknown[]>(
  name: string,
  values: { readonly [Index in keyof Values]: fc.Arbitrary<Values[Index]> },
  run: (site: Site, ...values: Values) => Promise<void>,
): fc.Arbitrary<Happening> {
  const tuple = fc.tuple(...(values as unknown as fc.Arbitrary<unknown>[])) as unknown as fc.Arbitrary<Values>
  return tuple.map((given) => ({
    words: `${name} ${JSON.stringify(given)}`,
    run: (site) => run(site, ...given),
  }))
}

const HAPPENINGS = fc.oneof(
  { weight: 6, arbitrary: happening('login', [wish], (site, one) => site.logIn(one)) },
  {
    weight: 2,
    arbitrary: happening('logins at once', [wish, nat(2)], async (site, one, client) => {
      await Promise.all([site.logIn(one), site.logIn({ ...one, client, broker: one.broker + 1 })])
    }),
  },
  { weight: 2, arbitrary: happening('start', [nat(99), broker], (site, ...more) => site.start(...more)) },
  {
    weight: 3,
    arbitrary: happening('report', [nat(99), nat(1000), fc.boolean(), broker], (site, ...more) =>
      site.report(...more),
    ),
  },
  {
    weight: 3,
    arbitrary: happening('stop', [nat(99), fc.boolean(), broker], (site, ...more) => site.stop(...more)),
  },
  { weight: 3, arbitrary: happening('repeat', [nat(999), broker], (site, ...more) => site.repeat(...more)) },
  { weight: 2, arbitrary: happening('obey', [fc.boolean(), broker], (site, ...more) => site.obey(...more)) },
  { weight: 1, arbitrary: happening('agent', [nat(1), broker], (site, ...more) => site.tellAll(...more)) },
  {
    weight: 3,
    arbitrary: happening('pass', [fc.integer({ min: 1, max: 40 }), broker], (site, minutes, one) =>
      site.pass(minutes * MINUTE, one),
    ),
  },
)

/** Whether any course of events keeps what must be true; a failure prints its seed and the shortest course. */
export async function checkSites(
  open: () => Promise<Site>,
  { numRuns, endAfterMs }: { readonly numRuns: number; readonly endAfterMs: number },
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.array(HAPPENINGS, { minLength: 1, maxLength: 40 }), async (happenings) => {
      const site = await open()
      for (const { words, run } of happenings) {
        try {
          await run(site)
          await site.check()
        } catch (error) {
          throw new Error(`after ${words}`, { cause: error })
        }
      }
      await site.end()
    }),
    // Shrinking has a bound of its own, so that a failure is told while the test still runs.
    { numRuns, interruptAfterTimeLimit: endAfterMs, markInterruptAsFailure: false },
  )
}
