import type { Request, Response } from 'express'
import { hiddenCharacterIn } from '../../domain/hidden-characters.ts'
import { overOf } from '../../domain/scope.ts'
import type { Day } from '../../domain/site-days.ts'
import { callerOf } from '../../http/caller.ts'
import { sendCompressed } from '../../http/compressed.ts'
import { addressOf } from '../../http/peer.ts'
import type { HttpServices } from '../../http/services.ts'
import type { Translate } from '../../i18n/messages.ts'
import { PORTAL } from '../../login/flow.ts'
import type { AuditContext } from '../../manage/audit-context.ts'
import type { PartialRecords } from '../../manage/records-over.ts'
import { field, parameter } from '../layout/forms.ts'
import type { Page, Pages, PageText } from '../layout/pages.ts'
import { dayText, durationText, hourText, trafficText } from '../layout/times.ts'
import { personPath, searchText } from './filters.ts'
import { lockedOutText } from './locked-out.ts'

/** A page in the bar at the top. */
type Area = 'now' | 'lockouts' | 'attempts' | 'sessions' | 'users' | 'audit'

/** What can be wrong with a form. */
export type FormProblem =
  | 'reason'
  /** The reason holds a character that nobody sees. */
  | { readonly hidden: string }
  | 'user'
  | 'address'
  | 'until'
  | 'unknown_user'
  | 'gateway'
  | 'not_in_force'
  | 'nothing_chosen'
  | 'amount'
  | 'no_quota'
  | 'session_over'
  | 'bad_name'
  | 'bad_groups'
  | 'bad_ipv4'
  | 'bad_ipv6'
  | 'bad_expiry'
  | 'exists'
  | 'address_taken'
  | 'no_change'
  | 'nobody_chosen'
  | 'no_address'
  | 'too_many_mails'
  | 'bad_mail'
  | 'may_not_log_in'
  | 'empty_list'
  | 'list_overtaken'

/** A page of the console; `view` is the template's name in this folder. */
export interface ConsolePage extends Omit<Page, 'problem' | 'nav' | 'search'> {
  readonly area?: Area
  readonly problem?: FormProblem
}

/** Actor and reason are required: whatever is done here is done by someone, for a reason. */
export type ConsoleAuditContext = AuditContext & Required<Pick<AuditContext, 'actor' | 'reason'>>

const MAX_REASON = 200
const SEARCH_PATH = '/desk/search'
const PATHS: Readonly<Record<Area, string>> = {
  now: '/desk',
  lockouts: '/desk/lockouts',
  attempts: '/desk/attempts',
  sessions: '/desk/sessions',
  users: '/desk/users',
  audit: '/desk/audit',
}

/** What all pages of the admin console share. */
export class AdminConsole {
  readonly services: HttpServices
  readonly #pages: Pages

  constructor(services: HttpServices, pages: Pages) {
    this.services = services
    this.#pages = pages
  }

  /** What the caller may see of the records. */
  recordsOf(request: Request): PartialRecords {
    return this.services.recordsOf(callerOf(request))
  }

  show(response: Response, page: ConsolePage): void {
    this.#pages.show(response, this.#pageOf(response, page))
  }

  /** A text in the language of the request. */
  textFor(request: Request, text: PageText): string {
    return this.#pages.textFor(request, text)
  }

  /** A part of a page, for the script that keeps it up to date. */
  showPart(response: Response, view: string, data: Page['data']): void {
    const part = this.#pages.render(response.req, this.#pageOf(response, { view, data, title: () => '' }))
    const lockedOut = lockedOutText(response, this.#pages.localeOf(response.req))
    if (lockedOut !== undefined) response.set('X-Locked-Out', lockedOut)
    sendCompressed(response, part)
  }

  /** Who acts and why, for the audit trail; a problem where the form has no usable reason. */
  auditContextIn(request: Request): ConsoleAuditContext | FormProblem {
    const reason = field(request, 'reason').trim()
    if (reason === '' || reason.length > MAX_REASON) return 'reason'
    const hidden = hiddenCharacterIn(reason)
    if (hidden !== undefined) return { hidden }
    return { actor: callerOf(request).actor, address: addressOf(request), reason }
  }

  #pageOf(response: Response, { view, area, problem, data, ...page }: ConsolePage): Page {
    const request = response.req
    const locale = this.#pages.localeOf(request)
    const { rights } = callerOf(request)
    const isForAPart = overOf(rights) !== undefined
    const { gateways, clock } = this.services
    const areas = (Object.entries(PATHS) as [Area, string][]).filter(
      ([each]) => !isForAPart || each !== 'now',
    )
    return {
      width: 'wide',
      home: isForAPart ? PATHS.lockouts : PATHS.now,
      styles: ['desk.css', 'desk-now.css', 'desk-people.css', 'desk-users.css', 'sheets.css'],
      scripts: ['desk.js', 'desk-live.js', 'desk-people.js'],
      nav: areas.map(([each, href]) => ({
        href,
        label: `admin.nav.${each}`,
        current: each === area,
        count: each === 'lockouts' ? lockedOutText(response, locale) : undefined,
      })),
      search: { action: SEARCH_PATH, label: 'admin.searchBox', typed: searchedFor(request) },
      ...page,
      view: `desk/${view}`,
      problem: problem && ((t) => problemText(problem, t)),
      data: {
        ...data,
        may: {
          lock: rights.has('lockouts:write'),
          enrol: rights.has('enrolments:write'),
          changeUsers: rights.has('users:write'),
          mailPasswords: rights.has('passwords:mail'),
          setPasswords: rights.has('passwords:write'),
          end: rights.has('sessions:write'),
        },
        isForAPart,
        gateways: [...gateways, PORTAL],
        portal: PORTAL,
        now: clock.now(),
        duration: (ms: number) => durationText(ms, locale),
        hour: (at: number) => hourText(at, locale),
        day: (day: Day) => dayText(day, locale),
        traffic: (octets: number) => trafficText(octets, locale),
        linkTo: searchText,
        personPath,
      },
    }
  }
}

/** What was typed into the box at the top, on the page that answers it. */
function searchedFor(request: Request): string {
  return request.path === '/search' ? parameter(request, 'q') : ''
}

function problemText(problem: FormProblem, t: Translate): string {
  if (typeof problem === 'string') return t(`admin.problem.${problem}`)
  return t('admin.problem.hidden', { character: problem.hidden })
}

/** Whether a form had a reason. */
export function isContext(answer: ConsoleAuditContext | FormProblem): answer is ConsoleAuditContext {
  return typeof answer === 'object' && 'actor' in answer
}
