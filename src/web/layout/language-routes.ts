import { Router } from 'express'
import type { Locale } from '../../domain/locale.ts'
import { goTo, parameter } from './forms.ts'
import { localeNamed, rememberLocale } from './locale.ts'

/** A path on these pages, with its query: no other host, and nothing that a browser takes for one. */
const OWN_PATH = /^\/(?![/\\])[\x21-\x5b\x5d-\x7e]*$/

/** Takes the reader's choice of a language, and leads back to the page that was read. It changes nothing else, so it is a link. */
export function languageRoutes(locales: readonly Locale[]): Router {
  const router = Router()
  router.get('/language/:tag', (request, response, next) => {
    const locale = localeNamed(request.params.tag, locales)
    if (locale === undefined) return next()
    rememberLocale(response, locale)
    const back = parameter(request, 'back')
    goTo(response, OWN_PATH.test(back) ? back : '/')
  })
  return router
}
