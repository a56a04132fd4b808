import { writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { FormClient, headingOf, problemOn } from '../http/form-client.ts'
import { runCommand } from '../http/run-command.ts'
import { PASSWORD, startTestBroker, type TestBroker } from '../http/test-broker.ts'

const REASON = 'the new term'
const HEAD = 'name,groups,mail,ipv4,expires,enabled'

describe('a list of users on the desk', () => {
  const resources = new AsyncDisposableStack()
  let fixture: TestBroker
  let admin: FormClient

  beforeAll(async () => {
    const roles = { admin: ['admins'], desk: ['helpdesk'] }
    fixture = await startTestBroker({ http: { roles } }, (end) => void resources.defer(end))
    admin = await atTheDesk('chief', 'admins')
  })
  afterAll(() => resources.disposeAsync())

  async function atTheDesk(name: string, group: string): Promise<FormClient> {
    await fixture.addUser(name, [group])
    await fixture.enrol(name)
    const client = new FormClient(fixture.url)
    await client.get('/')
    await client.post('/sign-in', { name, password: PASSWORD })
    await client.post('/code', { code: fixture.code() })
    await client.get('/desk/user-list')
    return client
  }

  const look = (list: string, client = admin) => client.post('/desk/user-list', { list })
  const shownOn = ({ text }: { readonly text: string }) => /name="shown" value="(\w+)"/.exec(text)?.[1] ?? ''
  const carryOut = (list: string, shown: string) =>
    admin.post('/desk/user-list/carry-out', { list, shown, reason: REASON })
  const rowsOn = ({ text }: { readonly text: string }) =>
    [...text.matchAll(/<tr>(<td.*?)<\/tr>/gs)].map(([, row = '']) =>
      row
        .replaceAll(/<[^>]+>/g, ' ')
        .replaceAll(/\s+/g, ' ')
        .trim(),
    )

  test('is shown first, and then carried out as a whole', async () => {
    await fixture.addUser('old.olga', ['staff'])
    await fixture.addUser('same.sam', ['staff'])
    const list = [
      HEAD,
      'new.nora,"staff,night",nora@example.org,10.9.0.1,2031-02-03,',
      'old.olga,night,-,,,no',
      'same.sam,staff,,,,yes',
    ].join('\r\n')
    const before = await fixture.records.users.find('old.olga')
    const plan = await look(list)
    expect(rowsOn(plan)).toEqual([
      expect.stringMatching(
        /^2 new\.nora New Groups staff, night · Mail address nora@example\.org · .*10\.9\.0\.1/,
      ),
      expect.stringMatching(/^3 old\.olga Change Groups night · May log in no$/),
    ])
    expect(plan.text).toContain('1 is the same already')
    expect(await fixture.records.users.find('new.nora')).toBeUndefined()
    expect(await fixture.records.users.find('old.olga')).toEqual(before)

    expect(
      problemOn(await admin.post('/desk/user-list/carry-out', { list, shown: shownOn(plan) })),
    ).toContain('reason')
    const done = await carryOut(list, shownOn(plan))
    expect(headingOf(done)).toBe('The list is carried out')
    expect(await fixture.records.users.find('new.nora')).toMatchObject({
      ...{ enabled: true, groups: ['staff', 'night'], mail: 'nora@example.org' },
      ...{ attributes: { ipv4: '10.9.0.1' }, expiresAt: Date.UTC(2031, 1, 3) },
    })
    expect(await fixture.records.users.find('old.olga')).toMatchObject({
      enabled: false,
      groups: ['night'],
      revision: 1,
    })
    const events = await fixture.records.audit.list({ kinds: ['user.added', 'user.changed'], limit: 9 })
    expect(events.map(({ kind, user, actor, detail }) => [kind, user, actor, detail])).toEqual(
      expect.arrayContaining([
        ['user.added', 'new.nora', 'chief (web)', REASON],
        ['user.changed', 'old.olga', 'chief (web)', `disabled, groups night: ${REASON}`],
      ]),
    )
    expect((await look(list)).text).not.toContain('name="shown"')
  })

  test('names every wrong line with cause and remedy, and does nothing', async () => {
    await fixture.records.users.add({
      ...{ name: 'owner', enabled: true, groups: [], attributes: { ipv4: '10.9.0.9' }, createdAt: 1 },
    })
    const list = [
      HEAD,
      'fine,staff,,,,',
      'bad.mail,,nowhere,,,',
      'taken,,,10.9.0.9,,',
      'one,,,10.9.0.5,,',
      'two,,,10.9.0.5,,',
      'fine,,,,,',
      'loop,,,127.0.0.1,,',
    ].join('\n')
    const plan = await look(list)
    expect(plan.text).not.toContain('name="shown"')
    const rows = rowsOn(plan).filter((row) => !row.includes(' New '))
    expect(rows.map((row) => row.replaceAll('&quot;', '"').replaceAll('&#34;', '"'))).toEqual([
      '3 "nowhere" is not a mail address write ada@example.org, say',
      '4 10.9.0.9 is the address of owner choose another one',
      '6 10.9.0.5 is in line 5 already give each user another address',
      expect.stringMatching(/^7 fine is already in line 2/),
      expect.stringMatching(/^8 no client can have 127\.0\.0\.1 .*write one address/),
    ])
    expect(headingOf(await carryOut(list, 'x'))).toBe('Users from a list')
    expect(await fixture.records.users.find('fine')).toBeUndefined()
    const chinese = await admin.post('/desk/user-list', { list }, { 'accept-language': 'zh-CN' })
    expect(chinese.text).toContain('请写成 ada@example.org 的形式')
  })

  test('lets two users exchange their addresses', async () => {
    for (const [name, ipv4] of [
      ['left', '10.9.1.1'],
      ['right', '10.9.1.2'],
    ] as const)
      await fixture.records.users.add({
        ...{ name, enabled: true, groups: [], attributes: { ipv4 }, createdAt: 1 },
      })
    const list = 'name,ipv4\nleft,10.9.1.2\nright,10.9.1.1'
    expect(headingOf(await carryOut(list, shownOn(await look(list))))).toBe('The list is carried out')
    expect((await fixture.records.users.find('left'))?.attributes.ipv4).toBe('10.9.1.2')
    expect((await fixture.records.users.find('right'))?.attributes.ipv4).toBe('10.9.1.1')
  })

  test('is shown again if the list or the users have changed since', async () => {
    await fixture.addUser('moved', ['staff'])
    const list = 'name,groups\nmoved,night'
    const shown = shownOn(await look(list))
    expect(problemOn(await carryOut(`${list}\nsneaked.in,admins`, shown))).toContain('have changed')
    await fixture.records.users.change('moved', { groups: ['other'] })
    const again = await carryOut(list, shown)
    expect(problemOn(again)).toContain('have changed')
    expect((await fixture.records.users.find('moved'))?.groups).toEqual(['other'])
    expect(headingOf(await carryOut(list, shownOn(again)))).toBe('The list is carried out')
  })

  test('adds 1,000 with tabs between the fields, and refuses more than fit', async () => {
    const many = (count: number) =>
      Array.from({ length: count }, (_, index) => `bulk-${index}\tstaff\tbulk-${index}@example.org`).join(
        '\n',
      )
    const list = many(1000)
    const plan = await look(list)
    expect(rowsOn(plan)).toHaveLength(1000)
    expect(plan.text).toContain('bulk-999\tstaff')
    expect(headingOf(await carryOut(list, shownOn(plan)))).toBe('The list is carried out')
    expect(await fixture.records.users.list({ group: 'staff', after: 'bulk-', limit: 2000 })).toSatisfy(
      (users: unknown[]) => users.length >= 1000,
    )
    expect((await look(many(2001))).text).toContain('the list has more than 2000 users')
    const tooLarge = await look('x'.repeat(1024 * 1024))
    expect([tooLarge.status, headingOf(tooLarge)]).toEqual([413, 'Too much at once'])
  })

  test('is for administrators, and other forms keep their limit', async () => {
    const list = 'name\nnobody'
    const helper = await atTheDesk('helper', 'helpdesk')
    expect((await look(list, helper)).status).toBe(403)
    const stranger = new FormClient(fixture.url)
    await stranger.get('/')
    expect((await stranger.post('/desk/user-list', { list: 'x'.repeat(100_000) })).status).toBe(401)
    expect((await admin.post('/desk/add-user', { name: 'x'.repeat(20_000) })).status).toBe(413)
  })

  test('is the same list for the command', async () => {
    const file = fixture.folder.file('users.csv')
    const run = async (...more: readonly string[]) => {
      const args = [
        'user',
        'import',
        file,
        '--format',
        'csv',
        '--config',
        fixture.folder.file('broker.yaml'),
        '--json',
        ...more,
      ]
      return JSON.parse(await runCommand(...args)) as { imported: string[]; faults: { line: number }[] }
    }
    writeFileSync(file, 'name,mail\nfrom.file,file@example.org\n')
    expect((await run('--dry-run')).imported).toEqual(['from.file'])
    expect(await fixture.records.users.find('from.file')).toBeUndefined()
    expect((await run()).imported).toEqual(['from.file'])
    expect(await fixture.records.users.find('from.file')).toMatchObject({ mail: 'file@example.org' })
    writeFileSync(file, 'name,mail\nother,file@example.org\nfrom.file,wrong\n')
    expect((await run()).faults).toMatchObject([{ line: 3 }])
    expect(await fixture.records.users.find('other')).toBeUndefined()
  })
})
