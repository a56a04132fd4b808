import { canonicalUserName } from '../../domain/login-name.ts'
import { type RoleGroups, rolesOf, scopesOf } from '../../domain/scope.ts'
import { Secret } from '../../domain/secret.ts'
import type { UserStore } from '../../domain/user.ts'
import type { UserAnswer, Users } from '../../manage/users.ts'
import type { Caller } from '../caller.ts'
import { Problem } from '../problem.ts'
import { type Answer, type Handlers, millisecondsOf } from './call.ts'
import { deedOf } from './deed.ts'
import { pageFrom, pageOf } from './page.ts'
import { userWire } from './wire.ts'

export interface UserRoutesOptions {
  readonly store: Pick<UserStore, 'list' | 'find'>
  readonly users: Users
  readonly roles: RoleGroups
}

export function userRoutes({ store, users, roles }: UserRoutesOptions): Handlers {
  /**
   * Whoever puts users into the groups of a role, or sets the password of one who is in them, can act as such a user
   * from then on. @throws Problem where that would be more than the caller may do.
   */
  function demandAllOf(groups: readonly string[], caller: Caller): void {
    if (!scopesOf(rolesOf(groups, roles)).isSubsetOf(caller.scopes))
      throw new Problem('missing-scope', {
        detail: 'A group of the user has a role that may do more than the caller.',
      })
  }

  async function groupsOf(typed: string): Promise<readonly string[]> {
    const name = canonicalUserName(typed)
    return (name === undefined ? undefined : await store.find(name))?.groups ?? []
  }

  return {
    async listUsers(call) {
      const page = pageOf(call)
      const group = call.query('group')
      const enabled = flagOf(call.query('enabled'))
      return pageFrom(await store.list({ group, enabled, ...page }), page, ({ name }) => name, userWire)
    },

    async addUser(call) {
      const { name, password, groups, ipv4, ipv6, expiresAt, reason } = call.body<NewUserBody>()
      demandAllOf(groups ?? [], call.caller)
      const wanted = {
        name,
        groups,
        ipv4,
        ipv6,
        password: secretOf(password),
        expiresAt: momentOf(expiresAt),
      }
      return answerOf(await users.add(wanted, deedOf(call, reason)), 201)
    },

    async getUser(call) {
      const user = await store.find(call.path('name'))
      if (user === undefined) throw new Problem('not-found')
      return { body: userWire(user) }
    },

    async changeUser(call) {
      const { enabled, password, groups, ipv4, ipv6, expiresAt, reason } = call.body<ChangeBody>()
      demandAllOf(groups ?? [], call.caller)
      if (password !== undefined) demandAllOf(await groupsOf(call.path('name')), call.caller)
      const end = expiresAt === null ? null : momentOf(expiresAt)
      const wanted = { enabled, groups, ipv4, ipv6, password: secretOf(password), expiresAt: end }
      return answerOf(await users.change(call.path('name'), wanted, deedOf(call, reason)), 200)
    },

    async removeUser(call) {
      if (!(await users.remove(call.path('name'), deedOf(call, call.query('reason')))))
        throw new Problem('not-found')
      return { status: 204 }
    },
  }
}

interface NewUserBody {
  readonly name: string
  readonly password?: string
  readonly groups?: readonly string[]
  readonly ipv4?: string
  readonly ipv6?: string
  readonly expiresAt?: string
  readonly reason: string
}

interface ChangeBody {
  readonly enabled?: boolean
  readonly password?: string
  readonly groups?: readonly string[]
  readonly ipv4?: string | null
  readonly ipv6?: string | null
  readonly expiresAt?: string | null
  readonly reason: string
}

function answerOf(answer: UserAnswer, status: number): Answer {
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
