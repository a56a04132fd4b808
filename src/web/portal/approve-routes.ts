import type { Request, Router } from 'express'
import type { WebSession } from '../../domain/web-session.ts'
import type { EventStreams } from '../../http/api/events.ts'
import { browserSessionOf } from '../../http/browser-session.ts'
import { addressOf } from '../../http/peer.ts'
import type { Approved, Approving } from '../../manage/approving.ts'
import { field, goTo } from '../layout/forms.ts'
import type { Page } from '../layout/pages.ts'
import { streamChanges } from './approve-stream.ts'
import type { Portal } from './portal.ts'

type Approver = WebSession & { readonly subject: string }

/** Where users approve a VPN login with a passkey, or say that it is not theirs. */
export function approveRoutes(
  router: Router,
  portal: Portal,
  approving: Approving,
  streams: EventStreams,
): void {
  const { clock } = portal.services

  router.get('/approve', async (request, response) => {
    const session = signedIn(request)
    if (session === undefined) return goTo(response, '/?to=approve')
    portal.show(response, await pageOf(request, session))
  })

  /** The part of the page that changes. */
  router.get('/approve/live', async (request, response) => {
    const session = signedIn(request)
    if (session === undefined) return void response.status(403).end()
    portal.show(response, { ...(await pageOf(request, session)), view: 'approve-live' })
  })

  router.get('/approve/events', (request, response) => {
    const session = signedIn(request)
    if (session === undefined) return void response.status(403).end()
    streamChanges(request, response, streams, {
      key: session.subject,
      now: async () => (await approving.shownTo(session.subject))?.id ?? '',
    })
  })

  router.post('/approve/options', async (request, response) => {
    const session = signedIn(request)
    const options = session && (await approving.optionsFor(approverOf(request, session), choiceIn(request)))
    if (options === undefined) return void response.status(404).json({})
    response.json(options)
  })

  router.post('/approve', async (request, response) => {
    const session = signedIn(request)
    if (session === undefined) return goTo(response, '/?to=approve')
    const outcome = await approving.approve(
      approverOf(request, session),
      choiceIn(request),
      field(request, 'answer'),
      { address: addressOf(request) },
    )
    await say(request, session, outcome.kind)
    goTo(response, '/approve')
  })

  router.post('/approve/disown', async (request, response) => {
    const session = signedIn(request)
    if (session === undefined) return goTo(response, '/?to=approve')
    const isNews = await approving.disown(session.subject, field(request, 'id'))
    await say(request, session, isNews ? 'disowned' : 'gone')
    goTo(response, isNews ? '/password' : '/approve')
  })

  async function pageOf(request: Request, session: Approver): Promise<Page> {
    const shown = await approving.shownTo(session.subject)
    return {
      view: 'approve',
      title: (t) => t('portal.approve.title'),
      scripts: ['approve.js'],
      data: {
        said: saidOf(await portal.takeSaid(request)),
        request: shown,
        leftMs: shown && Math.max(0, shown.expiresAt - clock.now()),
      },
    }
  }

  async function say(request: Request, session: Approver, said: string): Promise<void> {
    await browserSessionOf(request).change({ ...session, notes: { ...session.notes, said } })
  }
}

function signedIn(request: Request): Approver | undefined {
  const { session } = browserSessionOf(request)
  return session?.stage === 'in' && session.subject !== undefined
    ? { ...session, subject: session.subject }
    : undefined
}

function approverOf(request: Request, { subject }: Approver) {
  return { subject, browser: browserSessionOf(request).mark() }
}

function choiceIn(request: Request) {
  return { id: field(request, 'id'), number: Number(field(request, 'number')) }
}

const TONES: Readonly<Record<Approved['kind'], 'good' | 'warn' | 'bad'>> = {
  approved: 'good',
  wrong_number: 'bad',
  gone: 'warn',
  refused: 'bad',
}

/** What the last form has done. Other pages leave words of theirs, which are not for this one. */
function saidOf(said: string | undefined) {
  return said !== undefined && Object.hasOwn(TONES, said)
    ? { key: said, tone: TONES[said as Approved['kind']] }
    : undefined
}
