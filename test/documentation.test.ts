import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Command } from 'commander'
import { expect, test } from 'vitest'
import { wholeProgram } from '../src/cli/program.ts'

const ROOT = join(import.meta.dirname, '..')
const PAGES = globSync(['*.md', 'docs/**/*.md', 'config/*.yaml', 'docker-compose.yml'], { cwd: ROOT })

interface Call {
  readonly where: string
  readonly words: readonly string[]
  /** Whole, as it stands in a block to copy; in a sentence arguments may be left out. */
  readonly isWhole: boolean
}

const CALL = /(?:^\s*|[`;|]\s*|\$\()(?:sudo )?(?:npx )?(?:npm run )?ocbroker (?:-- )?([a-z][^`;|&<>#)\n]*)/gm

/** Every call of the command in blocks of sh and in `quotes`. */
function callsIn(page: string): readonly Call[] {
  const text = readFileSync(join(ROOT, page), 'utf8')
  const blocks = [...text.matchAll(/```sh\n(.*?)```/gs)].map(([, block = '']) => block)
  const quotes = [...text.replace(/```.*?```/gs, '').matchAll(/`[^`\n]+`/g)].map(([quote]) => quote)
  const calls = (texts: readonly string[], isWhole: boolean) =>
    texts
      .map((each) =>
        each
          .replaceAll('\\\n', ' ')
          .replace(/\$\([^)\n]*\)/g, 'X')
          .replace(/ --lang \S+/g, ''),
      )
      .flatMap((each) => [...each.matchAll(CALL)])
      .map(([, said = '']) => ({ where: `${page}: ${said.trim()}`, words: wordsOf(said), isWhole }))
  return [...calls(blocks, true), ...calls(quotes, false)]
}

function wordsOf(line: string): readonly string[] {
  const words = line.match(/"[^"]*"|'[^']*'|\S+/g) ?? []
  return words.map((word) => word.replace(/^["']|["']$/g, '')).filter((word) => word !== '…')
}

/** What is wrong with a call, if anything is. */
function faultOf(program: Command, { words, isWhole }: Call): string | undefined {
  let command = program
  let rest = [...words]
  for (;;) {
    const [first = ''] = rest
    const alternatives = first.split('|')
    const next = command.commands.find((each) => alternatives.includes(each.name()))
    if (next === undefined) break
    for (const name of alternatives)
      if (!command.commands.some((each) => each.name() === name)) return `no command ${name}`
    command = next
    rest = rest.slice(1)
  }
  if (command === program || command.commands.length > 0)
    return isWhole || rest.length > 0 ? `no command ${rest[0]}` : undefined
  const options = rest.filter((word) => word.startsWith('-')).map((word) => word.replace(/=.*|[\]|].*$/, ''))
  const known = command.options.flatMap(({ long, short }) => [long, short])
  const unknown = options.filter((option) => !known.includes(option))
  if (unknown.length > 0) return `no option ${unknown.join(' ')}`
  for (const { long, argChoices } of command.options) {
    const value = rest[rest.indexOf(long ?? '') + 1]
    if (
      long &&
      rest.includes(long) &&
      argChoices &&
      !value?.split('|').every((each) => argChoices.includes(each))
    )
      return `no ${long} ${value}`
  }
  if (!isWhole) return undefined
  const { operands } = command.parseOptions(rest)
  const least = command.registeredArguments.filter(({ required }) => required).length
  const most = command.registeredArguments.some(({ variadic }) => variadic)
    ? Number.POSITIVE_INFINITY
    : command.registeredArguments.length
  return operands.length < least || operands.length > most ? `${operands.length} arguments` : undefined
}

test('every command in the documentation is one of the program, with options and arguments that it takes', async () => {
  const calls = PAGES.flatMap(callsIn)
  expect(calls.length).toBeGreaterThan(150)
  const faults = []
  for (const call of calls) {
    const fault = faultOf(await wholeProgram(), call)
    if (fault !== undefined) faults.push(`${call.where}: ${fault}`)
  }
  expect(faults).toEqual([])
})

test('every link in the documentation leads to a file, and to a heading in it', () => {
  const broken = PAGES.filter((page) => page.endsWith('.md')).flatMap((page) => {
    const text = readFileSync(join(ROOT, page), 'utf8').replace(/```.*?```|`[^`\n]*`/gs, '')
    const links = [...text.matchAll(/\]\((?!https?:|mailto:)([^)#]*)(?:#([^)]*))?\)/g)]
    return links
      .filter(([, path = '', heading]) => !leads(path === '' ? page : join(dirname(page), path), heading))
      .map(([link]) => `${page}: ${link}`)
  })
  expect(broken).toEqual([])
})

function leads(path: string, heading: string | undefined): boolean {
  const target = join(ROOT, path)
  if (!existsSync(target)) return false
  if (heading === undefined) return true
  const headings = readFileSync(target, 'utf8').match(/^#+ .*$/gm) ?? []
  return headings.some((each) => anchorOf(each) === decodeURIComponent(heading))
}

/** As GitHub makes it. */
function anchorOf(heading: string): string {
  return heading
    .replace(/^#+ /, '')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-')
}
