import type { Request, Response, Router } from 'express'
import type { WebSession } from '../../domain/web-session.ts'
import { browserSessionOf } from '../../http/browser-session.ts'
import { field, goTo } from '../layout/forms.ts'
import type { PageText } from '../layout/pages.ts'
import type { Portal } from './portal.ts'

/** What `WebSession.notes` hold of recovery codes that are still to be saved: sealed, since when, and whether the app is new too. */
type CodeNotes = { readonly codes: string; readonly madeAt: string; readonly isNew: string | undefined }

/**
 * Recovery codes, shown until their user says that they are saved. A page of its own: going back or loading it again
 * sends no form a second time.
 */
export function recoveryCodeRoutes(router: Router, portal: Portal): void {
  router.get('/recovery-codes', (request, response) => {
    if (unsavedCodes(portal, request) === undefined) return goTo(response, '/')
    show(response)
  })

  router.post('/recovery-codes/saved', async (request, response) => {
    const browser = browserSessionOf(request)
    const { session } = browser
    if (session === undefined || unsavedCodes(portal, request) === undefined) return goTo(response, '/')
    if (field(request, 'saved') !== 'yes') return show(response, (t) => t('portal.recovery.saveFirst'))
    const { codes: _codes, madeAt: _madeAt, isNew, ...notes } = session.notes ?? {}
    // Those who came only to enrol are signed out.
    if (session.stage === 'in') await browser.change({ ...session, notes })
    else await browser.end()
    goTo(response, isNew === undefined ? '/' : '/done')
  })

  router.get('/recovery-codes/file', (request, response) => {
    const codes = unsavedCodes(portal, request)
    if (codes === undefined) return goTo(response, '/')
    const lines = portal.textFor(request, (t) =>
      [
        heading(request)(t),
        '',
        ...codes,
        '',
        t('portal.recovery.where', { page: portal.addressFor(request) }),
        t('portal.recovery.keep'),
        '',
      ].join('\r\n'),
    )
    response.attachment('recovery-codes.txt').type('text/plain; charset=utf-8').send(lines)
  })

  function show(response: Response, problem?: PageText): void {
    const request = response.req
    const { isNew, madeAt } = browserSessionOf(request).session?.notes ?? {}
    portal.show(response, {
      view: 'recovery-codes',
      isSecret: true,
      title: (t) => t('portal.recovery.title'),
      width: 'narrow',
      problem,
      data: {
        codes: unsavedCodes(portal, request),
        isNew: isNew !== undefined,
        madeAt: Number(madeAt),
        heading: portal.textFor(request, heading(request)),
        page: portal.addressFor(request),
      },
    })
  }

  /** Of the file and the printed sheet. */
  function heading(request: Request): PageText {
    const { typed: name = '' } = browserSessionOf(request).session ?? {}
    return (t) => t('portal.recovery.heading', { name, service: portal.services.name })
  }
}

/** For the notes of the session in which they were made. */
export function notesOfCodes(
  portal: Portal,
  subject: string,
  codes: readonly string[],
  isNew: boolean,
): CodeNotes {
  const { enrolling, clock } = portal.services
  const sealed = enrolling.sealCodes(subject, codes)
  return { codes: sealed, madeAt: String(clock.now()), isNew: isNew ? 'yes' : undefined }
}

/** Whether the user has new recovery codes and has not said that they are saved. */
export function hasUnsavedCodes({ notes }: WebSession): boolean {
  return notes?.codes !== undefined
}

function unsavedCodes({ services }: Portal, request: Request): readonly string[] | undefined {
  const { subject, notes } = browserSessionOf(request).session ?? {}
  if (subject === undefined || notes?.codes === undefined) return undefined
  return services.enrolling.openCodes(subject, notes.codes)
}
