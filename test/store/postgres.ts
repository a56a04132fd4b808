import { systemClock } from '../../src/domain/clock.ts'
import type { Log } from '../../src/domain/log.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { Secret } from '../../src/domain/secret.ts'
import { openPostgres, type PostgresOptions } from '../../src/store/postgres/open.ts'
import type { PostgresServer } from '../../src/store/postgres/pool.ts'
import type { OpenStore } from '../../src/store/repositories.ts'

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} }

export function serverOf(url: string): PostgresServer {
  const { hostname, port, username, password, pathname } = new URL(url)
  return {
    host: hostname,
    port: Number(port),
    user: username,
    password: new Secret(password),
    database: pathname.slice(1),
  }
}

/** Opens the records in a database as the broker does. */
export function opening(url: string, more: Partial<PostgresOptions> = {}): Promise<OpenStore> {
  return openPostgres({
    server: serverOf(url),
    connections: 10,
    statementMs: 5000,
    clock: systemClock,
    random: systemRandom,
    log: silent,
    ...more,
  })
}
