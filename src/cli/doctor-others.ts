import { measureClock } from '../app/clock-ahead.ts'
import { fingerprintOf, nameOfBroker } from '../app/fingerprint.ts'
import type { Store } from '../app/storage.ts'
import type { Config } from '../config/schema.ts'
import type { Check } from '../doctor/finding.ts'
import { checkServerClocks } from '../doctor/server-clocks.ts'
import { checkServingBrokers } from '../doctor/serving-brokers.ts'
import { systemClock } from '../domain/clock.ts'
import type { RedisConnection } from '../redis/connection.ts'

/** Whether the brokers on these records agree with each other, and with what the files say. */
export function checkOtherBrokers(config: Config, { records, keys }: Store): Check {
  const own = async () => {
    const measured = await measureClock(() => records.brokers.time(), systemClock)
    return measured && { ...measured, name: nameOfBroker(config), ...fingerprintOf(config, keys) }
  }
  return checkServingBrokers(own, records.brokers)
}

/** Whether this machine's clock is that of PostgreSQL and Redis. */
export function checkClocks(store: Pick<Store, 'records'> | undefined, redis?: RedisConnection): Check {
  const aheadOf = (time: () => Promise<number | undefined>) => async () =>
    (await measureClock(time, systemClock))?.aheadMs
  return checkServerClocks({
    ...(store !== undefined && { PostgreSQL: aheadOf(() => store.records.brokers.time()) }),
    ...(redis !== undefined && { Redis: aheadOf(() => timeOf(redis)) }),
  })
}

async function timeOf({ client, ask }: RedisConnection): Promise<number> {
  const [seconds, micros] = await ask(client.time())
  return Number(seconds) * 1000 + Math.floor(Number(micros) / 1000)
}
