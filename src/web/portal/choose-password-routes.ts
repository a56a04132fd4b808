import type { Request, Response, Router } from 'express'
import { Secret } from '../../domain/secret.ts'
import { addressOf } from '../../http/peer.ts'
import type { ChooseAnswer } from '../../manage/password-links.ts'
import { field, goTo, parameter } from '../layout/forms.ts'
import type { PageText } from '../layout/pages.ts'
import type { Portal } from './portal.ts'

const MAX_NAME = 253

/**
 * Where a local user who has been given a link chooses a password. Opening the page spends nothing, since programs look
 * at the links in mails. It signs nobody in.
 */
export function choosePasswordRoutes(router: Router, portal: Portal): void {
  const { choosingPassword } = portal.services

  router.get('/choose-password', (request, response) => {
    const name = parameter(request, 'name').slice(0, MAX_NAME)
    show(response, { name, code: '', canUse: true })
  })

  router.post('/choose-password', async (request, response) => {
    const [name, code] = [field(request, 'name').trim(), field(request, 'code').trim()]
    const password = new Secret(field(request, 'password'))
    if (password.reveal() !== field(request, 'again'))
      return show(response, { name, code, canUse: true }, (t) => t('portal.password.differ'))
    const context = { address: addressOf(request), reason: 'by password link' }
    const answer = await choosingPassword.choose({ name, code, password }, context)
    if (answer === 'done') return goTo(response, '/choose-password/done')
    // The holder of another code may have mistyped it.
    const canUse = typeof answer === 'object' || answer === 'unknown'
    show(response, { name, code, canUse }, problemText(request, answer))
  })

  router.get('/choose-password/done', (_request, response) =>
    portal.show(response, { view: 'password-chosen', title: (t) => t('portal.choose.done') }),
  )

  function problemText(request: Request, answer: Exclude<ChooseAnswer, 'done'>): PageText {
    if (typeof answer === 'string') return (t) => t(`portal.choose.${answer}`)
    const fault = portal.storedText(request, answer.fault)
    return (t) => t('portal.password.fault', { fault })
  }

  function show(
    response: Response,
    data: { readonly name: string; readonly code: string; readonly canUse: boolean },
    problem?: PageText,
  ): void {
    portal.show(response, {
      view: 'choose-password',
      isSecret: true,
      title: (t) => t('portal.choose.title'),
      data,
      problem,
    })
  }
}
