import type { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import chinese from '../../locales/help.zh-CN.json' with { type: 'json' }
import { showHelpIn, translateHelp } from '../../src/cli/help-in.ts'
import { columnsOf } from '../../src/cli/output.ts'
import { wholeProgram } from '../../src/cli/program.ts'

function withAllBelow(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(withAllBelow)]
}

describe('the help in Chinese', () => {
  test('has a text for everything that the help says, and no other', async () => {
    const program = await wholeProgram()
    const said = new Set<string>()
    translateHelp(program, (english) => {
      if (english !== '') said.add(english)
      return english
    })
    for (const command of withAllBelow(program)) command.helpInformation()
    expect([...said].filter((english) => !(english in chinese))).toEqual([])
    expect(Object.keys(chinese).filter((english) => !said.has(english))).toEqual([])
  })

  test('names every argument, value and scope that the English help names', () => {
    const names = (text: string) => text.match(/--[a-z]+|[A-Z]{4,}|\b[a-z]+:[a-z]+\b/g)?.toSorted() ?? []
    for (const [english, text] of Object.entries(chinese)) {
      if (/^(?:choices|default|env): $/.test(english)) continue
      expect(names(text).toSorted(), text).toEqual(expect.arrayContaining([...names(english)]))
    }
  })

  test('is shown with aligned columns, and breaks lines within the width', async () => {
    const program = await wholeProgram()
    await showHelpIn('zh-CN', program)
    for (const command of withAllBelow(program)) {
      const help = command.helpInformation()
      expect(help).toMatch(/^用法: ocbroker/)
      for (const line of help.split('\n'))
        if (/\p{Script=Han}/u.test(line)) expect(columnsOf(line)).toBeLessThanOrEqual(80)
      const described = help.split('\n').filter((line) => /^ {2}\S.* {2}\p{Script=Han}/u.test(line))
      const columns = described.map((line) => columnsOf(line.replace(/(?<=\S {2,})\p{Script=Han}.*/u, '')))
      expect(new Set(columns).size, help).toBeLessThanOrEqual(1)
    }
  })

  test('is English for everybody else', async () => {
    const program = await wholeProgram()
    const before = program.helpInformation()
    await showHelpIn('en', program)
    expect(program.helpInformation()).toBe(before)
  })
})
