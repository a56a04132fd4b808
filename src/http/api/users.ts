import type { Locale } from '../../domain/locale.ts'
import { overOf } from '../../domain/scope.ts'
import { Secret } from '../../domain/secret.ts'
import type { UserAnswer } from '../../manage/users.ts'
import { Problem } from '../problem.ts'
import type { HttpServices } from '../services.ts'
import { auditContextOf } from './audit-context.ts'
import { demandRightsOfGroups, demandRightsOver, demandSight } from './authenticate.ts'
import { type Answer, type Handlers, millisecondsOf } from './call.ts'
import { pageFrom, pageOf } from './page.ts'
import { userWire } from './wire.ts'

export function userRoutes(services: HttpServices): Handlers {
  const { records, users, namesakesOf } = services

  return {
    async listUsers(call) {
      const page = pageOf(call)
      const group = call.query('group')
      const enabled = flagOf(call.query('enabled'))
      const found = await records.users.list({ over: overOf(call.caller.rights), group, enabled, ...page })
      return pageFrom(found, page, userWire, ({ name }) => name)
    },

    async addUser(call) {
      const { name, password, groups, ipv4, ipv6, expiresAt, mail, language, reason } =
        call.body<NewUserBody>()
      demandRightsOfGroups(groups ?? [], call.caller, services)
      // A local user takes the place of a user of the same name whose store is asked later.
      await demandRightsOver(name, call.caller, services)
      const wanted = {
        name,
        groups,
        ipv4,
        ipv6,
        ...{ mail, language },
        password: secretOf(password),
        expiresAt: momentOf(expiresAt),
      }
      const answer = answerOf(await users.add(wanted, auditContextOf(call, reason)), 201)
      const { knownTo } = await namesakesOf(name)
      return knownTo.length === 0 ? answer : { ...answer, body: { ...answer.body, alsoIn: knownTo } }
    },

    async getUser(call) {
      await demandSight(call.path('name'), call.caller, services)
      const user = await records.users.find(call.path('name'))
      if (user === undefined) throw new Problem('not-found')
      return { body: userWire(user) }
    },

    async changeUser(call) {
      const { enabled, password, groups, ipv4, ipv6, expiresAt, mail, language, reason } =
        call.body<ChangeBody>()
      demandRightsOfGroups(groups ?? [], call.caller, services)
      await demandRightsOver(call.path('name'), call.caller, services)
      const end = expiresAt === null ? null : momentOf(expiresAt)
      const wanted = {
        ...{ enabled, groups, ipv4, ipv6, mail, language },
        password: secretOf(password),
        expiresAt: end,
      }
      return answerOf(await users.change(call.path('name'), wanted, auditContextOf(call, reason)), 200)
    },

    async removeUser(call) {
      await demandRightsOver(call.path('name'), call.caller, services)
      const remover = {
        ...auditContextOf(call, call.query('reason')),
        mayRevoke: call.caller.rights.has('enrolments:write'),
      }
      if ((await users.remove(call.path('name'), remover)) === undefined) throw new Problem('not-found')
      return { status: 204 }
    },
  }
}

interface ChangeBody {
  readonly enabled?: boolean
  readonly password?: string
  readonly groups?: readonly string[]
  readonly ipv4?: string | null
  readonly ipv6?: string | null
  readonly expiresAt?: string | null
  readonly mail?: string | null
  readonly language?: Locale | null
  readonly reason: string
}

/** Without null, which removes what a new user does not have. */
type NewUserBody = {
  readonly [Key in Exclude<keyof ChangeBody, 'enabled'>]: Exclude<ChangeBody[Key], null>
} & { readonly name: string }

function answerOf(
  answer: UserAnswer,
  status: number,
): Answer & { readonly body: ReturnType<typeof userWire> } {
  switch (answer.kind) {
    case 'done':
      return { status, body: userWire(answer.user) }
    case 'unknown':
      throw new Problem('not-found')
    case 'exists':
      throw new Problem('already-exists')
    case 'address_taken':
      throw new Problem('address-taken')
    case 'wrong':
      throw new Problem('invalid-request', {
        errors: [{ path: `/body/${answer.part}`, message: answer.problem }],
      })
  }
}

function flagOf(text: string | undefined): boolean | undefined {
  return text === undefined ? undefined : text === 'true'
}

function secretOf(text: string | undefined): Secret | undefined {
  return text === undefined ? undefined : new Secret(text)
}

function momentOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : millisecondsOf(text, '/body/expiresAt')
}
