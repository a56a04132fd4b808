import { access } from 'node:fs/promises'
import { fault, hint, notApplicable, ok } from '../finding.ts'
import { isSecretOf } from './expectation.ts'
import { type GatewayCheck, NO_EXPECTATION, NO_RADIUS } from './gateway-check.ts'

/** Whether the secret that radcli takes is the gateway's. The secret itself is not shown. */
export const checkSecret: GatewayCheck = async (host) => {
  const server = await host.server('auth')
  if (server === undefined) return [notApplicable('secret', NO_RADIUS)]
  const taken = await host.secret()
  const radcli = await host.radcli().catch(() => undefined)
  const file = taken?.file ?? radcli?.values.get('servers') ?? 'servers'
  const about = `secret for ${server.host}`
  const remedy = `in ${file}: ${server.host} SECRET`
  if (taken === undefined) {
    const isThere = await access(file).then(
      () => true,
      () => false,
    )
    if (!isThere) return [notApplicable(about, 'there is no servers file: see radcli-files')]
    return [
      fault(
        about,
        `${file} has none: a line holds the bare address, without port or brackets, and the secret`,
        remedy,
      ),
    ]
  }
  const where = `line ${taken.line} of ${file}`
  const right = await isRight(host.expectation?.entry.secretDigest, taken.secret, () => host.probe('auth'))
  if (right === false) {
    const quotes = /^(["']).*\1$/.test(taken.secret) ? '; the quotes count as a part of it' : ''
    const guessed = taken.isGuessed ? `; no line is for ${server.host}, so the last one counts` : ''
    const first =
      taken.overridden === undefined ? '' : `; line ${taken.overridden} is for the same host and never counts`
    return [fault(about, `${where} is not the secret of this gateway${quotes}${guessed}${first}`, remedy)]
  }
  if (right === undefined) return [notApplicable(about, NO_EXPECTATION)]
  if (taken.isGuessed) return [hint(about, `no line is for ${server.host}, so ${where} counts`, remedy)]
  return [ok(about, `${where} is the one of this gateway`)]
}

async function isRight(
  digest: string | undefined,
  secret: string,
  probe: () => Promise<string | undefined>,
): Promise<boolean | undefined> {
  if (digest !== undefined) return isSecretOf(digest, secret)
  return (await probe()) === 'answers' ? true : undefined
}
