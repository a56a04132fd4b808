import { setTimeout as sleep } from 'node:timers/promises'
import type { Config } from '../config/schema.ts'
import { quietLog } from '../domain/log.ts'
import { connectRedis, type RedisConnection } from '../redis/connection.ts'

/** Connected, or given up for now; undefined where none is configured. In milliseconds. */
export async function openRedis(
  { redis }: Config,
  { connectMs, commandMs }: { readonly connectMs: number; readonly commandMs: number },
): Promise<RedisConnection | undefined> {
  if (redis === undefined) return undefined
  // A login cannot wait; a command that has just started on a busy machine can.
  const connection = connectRedis({ ...redis, commandMs }, quietLog)
  await Promise.race([connection.whenReady(), sleep(connectMs, undefined, { ref: false })])
  return connection
}
