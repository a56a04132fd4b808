import { type RequestHandler, Router } from 'express'
import { browserSessionOf } from '../../http/browser-session.ts'
import type { MessageKey } from '../../i18n/messages.ts'
import { goTo } from '../layout/forms.ts'
import { hasUnsent, keepUnsent, takeUnsent, type UnsentForm } from '../layout/unsent-form.ts'
import type { Portal } from './portal.ts'
import { hasUnsavedCodes } from './recovery-codes.ts'

/** The forms that are kept for after a forced sign-in: none of them has a password or a code. */
const KEPT: readonly (readonly [path: RegExp, what: MessageKey])[] = [
  [/^\/desk\/(?:lockouts(?:\/[^/]+)?|users)\/release$/, 'portal.unsent.release'],
  [/^\/desk\/lock$/, 'admin.lock.title'],
  [/^\/desk\/sessions\/end$/, 'admin.end.title'],
  [/^\/desk\/users\/revoke$/, 'portal.unsent.revoke'],
  [/^\/desk\/users\/revoke-trusts$/, 'portal.unsent.trusts'],
  [/^\/desk\/users\/add-quota$/, 'admin.quota.add'],
  [/^\/desk\/users\/invite(?:-many)?$/, 'admin.invite.title'],
  [/^\/desk\/users\/[^/]+\/leave$/, 'admin.leave.link'],
  [/^\/desk\/add-user$/, 'admin.localUser.add'],
  [/^\/desk\/users\/[^/]+\/edit$/, 'portal.unsent.edit'],
  [/^\/trusts\/revoke$/, 'portal.unsent.trust'],
  [/^\/sessions\/end$/, 'admin.end.title'],
]
/** What people type; all else was chosen or is hidden. */
const TYPED: Readonly<Record<string, MessageKey>> = {
  reason: 'admin.reason',
  amount: 'admin.quota.amount',
  expires: 'admin.localUser.expires',
  ipv4: 'admin.localUser.ipv4',
  ipv6: 'admin.localUser.ipv6',
}
const ABOUT = ['user', 'name', 'subject', 'address']
const START = ['/', '/desk']

/** Before all other pages: keeps a form that came after the end of a sign-in, and shows it again after the next one. */
export function unsentForms(portal: Portal): RequestHandler {
  const router = Router()
  const { services } = portal

  router.post(/^/, (request, response, next) => {
    const { session } = browserSessionOf(request)
    const isKept = session === undefined && whatOf(request.path) !== undefined
    if (!isKept || !keepUnsent(request, response, services)) return next()
    goTo(response, request.path.startsWith('/desk/') ? '/?to=desk' : '/')
  })

  router.get(START, (request, response, next) => {
    const { session } = browserSessionOf(request)
    const isIn = session?.stage === 'in' && !hasUnsavedCodes(session)
    if (isIn && hasUnsent(request)) return goTo(response, '/unsent')
    next()
  })

  router.get('/unsent', (request, response) => {
    const { session } = browserSessionOf(request)
    if (session?.stage !== 'in') return goTo(response, '/')
    const form = takeUnsent(request, response, session.user, services)
    const what = form && whatOf(form.path)
    if (form === undefined || what === undefined) return goTo(response, '/')
    portal.show(response, {
      view: 'unsent',
      title: (t) => t('portal.unsent.title'),
      data: { ...shown(form), what, path: form.path },
    })
  })

  return router
}

function whatOf(path: string): MessageKey | undefined {
  return KEPT.find(([form]) => form.test(path))?.[1]
}

function shown({ path, values }: UnsentForm) {
  const [, inPath] = /^\/desk\/users\/([^/]+)\/\w+$/.exec(path) ?? []
  const named = values.find(([name, value]) => ABOUT.includes(name) && value !== '')?.[1]
  return {
    about: inPath === undefined ? named : decodeURIComponent(inPath),
    typed: values
      .filter(([name]) => Object.hasOwn(TYPED, name))
      .map(([name, value]) => ({ name, value, label: TYPED[name] })),
    hidden: values.filter(([name]) => !Object.hasOwn(TYPED, name)).map(([name, value]) => ({ name, value })),
    isOfDesk: path.startsWith('/desk/'),
  }
}
