import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseUserTable } from '../../src/identity/import/user-table.ts'
import { anyCharacter } from '../any-character.ts'

describe('a list of users', () => {
  it('has columns in any order, fields in quotes, and - for what is to be removed', () => {
    const { entries, faults } = parseUserTable(
      [
        '\uFEFFE-Mail,Username,groups,ipv4,expires,enabled,language',
        'ada@example.org,Ada,"staff,night",10.8.0.7,2027-01-31,yes,zh-CN',
        '-,ben,-,-,-,no,-',
        ',cleo,,,2027-01-31T18:30,,',
      ].join('\r\n'),
    )
    expect(faults).toEqual([])
    expect(entries).toMatchObject([
      {
        ...{ line: 2, name: 'ada', groups: ['staff', 'night'], mail: 'ada@example.org', ipv4: '10.8.0.7' },
        ...{ expiresAt: Date.UTC(2027, 0, 31), enabled: true, language: 'zh-CN' },
      },
      {
        line: 3,
        name: 'ben',
        groups: [],
        mail: null,
        ipv4: null,
        expiresAt: null,
        enabled: false,
        language: null,
      },
      { line: 4, name: 'cleo', groups: undefined, mail: undefined, expiresAt: Date.UTC(2027, 0, 31, 18, 30) },
    ])
  })

  it('may have no head, and semicolons or tabs between its fields', () => {
    const { entries } = parseUserTable('ada;staff,night;ada@example.org\nben\tstaff\n')
    expect(entries).toMatchObject([
      { name: 'ada', groups: ['staff', 'night'], mail: 'ada@example.org' },
      { name: 'ben', groups: ['staff'] },
    ])
  })

  it.each([
    ['name,password\nada,secret', 'the column password is not known; the columns are'],
    ['groups,mail\nstaff,', 'the head names no column name'],
    ['name,mail\nada,nowhere', '"nowhere" is not a mail address; write'],
    ['name,expires\nada,31.1.2027', '"31.1.2027" is no date; write'],
    ['name,enabled\nada,maybe', '"maybe" is neither yes nor no; write'],
    ['name,language\nada,de', '"de" is no language'],
    ['name,groups\nada,staff,night', 'the line has 3 fields, and the table 2 columns; put quotes'],
    ['name,groups\n,staff', 'there is no name'],
    ['name\nada\nADA', 'ada is already in line 2'],
    ['name,groups\nada,st\u200Baff', 'which cannot be seen'],
  ])('has a fault in %j', (text, problem) => {
    const { faults } = parseUserTable(text)
    expect(faults).toHaveLength(1)
    expect(faults[0]?.problem).toContain(problem)
  })

  it('is read whatever it holds', () => {
    fc.assert(
      fc.property(fc.string({ unit: anyCharacter, maxLength: 200 }), (text) => {
        const { entries, faults } = parseUserTable(`name,groups,expires\n${text}`)
        expect(entries.length + faults.length).toBeLessThanOrEqual(text.split('\n').length + 1)
      }),
    )
  })
})
