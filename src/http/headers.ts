import type { RequestHandler } from 'express'
import helmet from 'helmet'

/**
 * What every answer carries. Pages may load what the broker itself serves and nothing else: no inline script or style,
 * no other host, no frame around them.
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
      // With no-referrer browsers send "Origin: null" with a form, and its origin could not be checked.
      referrerPolicy: { policy: 'same-origin' },
      strictTransportSecurity: { maxAge: 365 * 86_400, includeSubDomains: false },
      frameguard: { action: 'deny' },
    }),
    (_request, response, next) => {
      // Nearly everything here is about somebody; what is not says so itself.
      response.set('Cache-Control', 'no-store')
      response.set('Permissions-Policy', 'camera=(), geolocation=(), microphone=(), payment=()')
      next()
    },
  ]
}
