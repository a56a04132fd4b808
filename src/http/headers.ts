import type { RequestHandler } from 'express'
import helmet from 'helmet'

/**
 * Headers of every answer. Pages may load only what the broker serves: no inline scripts or styles, no other host, and
 * no frames.
 */
export function protectiveHeaders(): RequestHandler[] {
  return [
    helmet({
      contentSecurityPolicy: {
        useDefaults: false,
        directives: {
          'default-src': ["'none'"],
          'script-src': ["'self'"],
          'style-src': ["'self'"],
          'img-src': ["'self'"],
          'font-src': ["'self'"],
          'connect-src': ["'self'"],
          'manifest-src': ["'self'"],
          'form-action': ["'self'"],
          'base-uri': ["'none'"],
          'frame-ancestors': ["'none'"],
        },
      },
      // With no-referrer browsers send "Origin: null" with forms, so that their origin could not be checked.
      referrerPolicy: { policy: 'same-origin' },
      strictTransportSecurity: { maxAge: 365 * 86_400, includeSubDomains: false },
      frameguard: { action: 'deny' },
    }),
    (_request, response, next) => {
      // Most answers are about a person; those that may be cached set the header again.
      response.set('Cache-Control', 'no-store')
      response.set('Permissions-Policy', 'camera=(), geolocation=(), microphone=(), payment=()')
      next()
    },
  ]
}
