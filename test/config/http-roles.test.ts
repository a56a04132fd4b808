import { expect, test } from 'vitest'
import { configOf, faultOf, GATEWAY } from './loading.ts'

const roles = (written: string) => `${GATEWAY}http: { roles: ${written} }\n`

async function deskOf(written: string) {
  return (await configOf(roles(`{ desk: ${written} }`))).http?.roles.desk
}

test('a role is for groups, for all users or for a part of them', async () => {
  expect(await deskOf('[helpdesk, support]')).toEqual([{ groups: ['helpdesk'] }, { groups: ['support'] }])
  expect(await deskOf('helpdesk')).toEqual([{ groups: ['helpdesk'] }])
  const fra = { groups: ['helpdesk-fra'], over: ['staff-fra'] }
  expect(await deskOf('{ groups: [helpdesk-fra], over: [staff-fra] }')).toEqual([fra])
  expect(await deskOf('{ groups: helpdesk-fra, over: staff-fra }')).toEqual([fra])
  const ber = { groups: ['helpdesk-ber'], over: ['staff-ber', 'board-ber'] }
  expect(
    await deskOf(
      '[helpdesk, { groups: [helpdesk-fra], over: [staff-fra] }, { groups: [helpdesk-ber], over: [staff-ber, board-ber] }]',
    ),
  ).toEqual([{ groups: ['helpdesk'] }, fra, ber])
  expect((await configOf(roles('{}'))).http?.roles).toEqual({ admin: [], desk: [], auditor: [] })
})

test('a part that is nobody, or everybody by mistake, is refused', async () => {
  for (const [written, path, problem] of [
    ['{ desk: { groups: [a], over: [] } }', 'http.roles.desk.over', /at least 1|empty/i],
    ['{ desk: { groups: [a], over: [""] } }', 'http.roles.desk.over', /empty/],
    ['{ desk: { groups: [] } }', 'http.roles.desk.groups', /at least 1|empty/i],
    ['{ desk: [{ over: [b] }] }', 'http.roles.desk[0].groups', /missing|text/],
    ['{ desk: [{ groups: [a], ofer: [b] }] }', 'http.roles.desk[0].ofer', /unknown|known/],
    ['{ desk: [7] }', 'http.roles.desk[0]', /mapping/],
    ['{ admin: { groups: [a], over: [b] } }', 'http.roles.admin', /administrator/],
  ] as const) {
    const fault = await faultOf(roles(written))
    expect([written, fault.path]).toEqual([written, path])
    expect(fault.problem).toMatch(problem)
  }
})
