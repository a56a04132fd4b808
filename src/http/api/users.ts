import type { Locale } from '../../domain/locale.ts'
import { canonicalUserName } from '../../domain/login-name.ts'
import { codeLink } from '../../domain/readable-code.ts'
import { overOf } from '../../domain/scope.ts'
import { Secret } from '../../domain/secret.ts'
import type { NoRecipient, Recipient } from '../../manage/code-mails.ts'
import type { UserAnswer } from '../../manage/users.ts'
import { Problem } from '../problem.ts'
import type { HttpServices } from '../services.ts'
import { auditContextOf } from './audit-context.ts'
import { demand, demandRightsOfGroups, demandRightsOver, demandSight } from './authenticate.ts'
import { type Answer, type Handlers, millisecondsOf } from './call.ts'
import { pageFrom, pageOf } from './page.ts'
import { timeText, userWire } from './wire.ts'

export function userRoutes(services: HttpServices): Handlers {
  const { records, users, passwordLinks, namesakesOf, publicUrl } = services

  async function recipientOf(name: string): Promise<Recipient> {
    const recipient = await passwordLinks.mails?.recipientOf(name)
    if (recipient === undefined) throw noLink('the configuration sends no mails')
    if (typeof recipient === 'string') throw noLink(NO_RECIPIENT[recipient])
    return recipient
  }

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

    async makePasswordLink(call) {
      const { validSeconds, byMail, reason } = call.body<PasswordLinkBody>()
      const name = call.path('name')
      if (byMail !== true) demand(call.caller, 'passwords:write', true)
      await demandSight(name, call.caller, services)
      const user = await records.users.find(canonicalUserName(name) ?? name)
      if (user === undefined) throw new Problem('not-found')
      await demandRightsOver(user.name, call.caller, services)
      const recipient = byMail === true ? await recipientOf(user.name) : undefined
      const context = { ...auditContextOf(call, reason), actor: call.caller.actor }
      const made = await passwordLinks.make(
        user.name,
        context,
        validSeconds && validSeconds * 1000,
        recipient,
      )
      if (made === undefined) throw noLink('the user is disabled or has expired')
      const until = timeText(made.until)
      if (recipient !== undefined) return { status: 201, body: { mailedTo: recipient.address, until } }
      const { code } = made
      const link = publicUrl && codeLink(publicUrl, '/choose-password', user.name, code)
      return { status: 201, body: { code, link, until } }
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

interface PasswordLinkBody {
  readonly validSeconds?: number
  readonly byMail?: boolean
  readonly reason: string
}

const NO_RECIPIENT: Readonly<Record<NoRecipient, string>> = {
  barred: 'the user is disabled or has expired',
  no_address: 'no mail address of the user is known',
  too_many_mails: 'the user was sent as many links as mail.per_user allows in a day',
}

function noLink(message: string): Problem {
  return new Problem('invalid-request', { errors: [{ path: '/body', message }] })
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
