import { Secret } from './secret.ts'

/**
 * A password in the form of OpaqueString (RFC 8265 §4.2, which takes the place of SASLprep, RFC 4013): every blank is the
 * same blank, and letters are composed (NFC), however a keyboard made them. Case and width stay.
 */
export function opaqueString(password: Secret): Secret {
  return new Secret(
    password
      .reveal()
      .replaceAll(/\p{Zs}/gu, ' ')
      .normalize('NFC'),
  )
}
