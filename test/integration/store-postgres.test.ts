import { afterAll, beforeAll } from 'vitest'
import { describeWith } from '../real/needs.ts'
import { POSTGRES_NEEDS, type Postgres, startPostgres } from '../real/postgres.ts'
import { recordsContract } from '../store/contract/contract.ts'
import { opening } from '../store/postgres.ts'

describeWith(POSTGRES_NEEDS, 'with PostgreSQL', () => {
  let server: Postgres | undefined
  beforeAll(async () => {
    server = await startPostgres()
  })
  afterAll(async () => {
    await server?.stop()
  })
  const database = async () => {
    if (server === undefined) throw new Error('PostgreSQL was not started')
    return server.newDatabase()
  }

  recordsContract('in PostgreSQL', async () => opening(await database()))
})
