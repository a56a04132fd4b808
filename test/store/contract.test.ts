import { afterAll } from 'vitest'
import { openSqlite } from '../../src/store/sqlite/open.ts'
import { temporaryFolder } from '../real/folder.ts'
import { recordsContract } from './contract/contract.ts'

const folder = temporaryFolder('records')
afterAll(() => folder.remove())

recordsContract('in memory', () => openSqlite({ path: ':memory:' }))
recordsContract('in a file', () => openSqlite({ path: folder.file('records/broker.db') }))
