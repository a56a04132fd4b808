import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { forbiddenImports } from './import-boundaries.ts'
import { temporaryFolder } from './real/folder.ts'

const RULES = { domain: [], store: ['domain'], app: ['*'], 'main.ts': ['app'] }

/** A source tree of these files, checked by `RULES`. */
async function errorsOf(files: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const folder = temporaryFolder('imports')
  onTestFinished(() => folder.remove())
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(folder.file(`${file}/..`), { recursive: true })
    writeFileSync(folder.file(file), text)
  }
  return forbiddenImports(folder.path, RULES)
}

test.each([
  "import { open } from '../store/open.ts'",
  "import type { Store } from '../store/open.ts'",
  "export { open } from '../store/open.ts'",
  "export * from '../store/open.ts'",
  "import {\n  open,\n  type Store,\n} from '../store/open.ts'",
  "import '../store/open.ts'",
  "const store = await import('../store/open.ts')",
])('finds the forbidden import %j', async (text) => {
  expect(await errorsOf({ 'domain/user.ts': `/** A comment. */\n${text}\n`, 'store/open.ts': '' })).toEqual([
    'src/domain/user.ts imports ../store/open.ts: files in domain must not import from store',
  ])
})

test('finds a forbidden import in a deeper folder, and one of a file at the top', async () => {
  const files = {
    'store/sqlite/open.ts': "import { main } from '../../main.ts'\n",
    'main.ts': "import { Store } from './store/open.ts'\n",
  }
  expect((await errorsOf(files)).toSorted()).toEqual([
    'src/main.ts imports ./store/open.ts: files in main.ts must not import from store',
    'src/store/sqlite/open.ts imports ../../main.ts: files in store must not import from main.ts',
  ])
})

test('finds a folder without a row', async () => {
  expect(await errorsOf({ 'utils/text.ts': '' })).toEqual([
    'src/utils/text.ts: add a row for the folder utils to test/import-boundaries.ts',
  ])
})

test('allows imports by the rules, within a folder, and from packages', async () => {
  const files = {
    'domain/user.ts': "import { readFile } from 'node:fs'\nimport { a } from './name.ts'\n",
    'store/open.ts': "import { b } from '../domain/user.ts'\n",
    'app/broker.ts': "import { c } from '../store/open.ts'\nimport { d } from '../domain/user.ts'\n",
    'main.ts': "import { e } from './app/broker.ts'\n",
  }
  expect(await errorsOf(files)).toEqual([])
})

test('the source itself has no forbidden import', async () => {
  expect(await forbiddenImports(fileURLToPath(new URL('../src/', import.meta.url)))).toEqual([])
})
