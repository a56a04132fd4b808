import { fault, hint, notApplicable, ok, warning } from '../finding.ts'
import { type GatewayCheck, NO_RADIUS } from './gateway-check.ts'
import { radiusMethodOf, waysAround } from './radius-method.ts'

const CONFIG = '/etc/radcli/radiusclient.conf'
const AUTH = `auth = "radius[config=${CONFIG},groupconfig=true]"`
/** Beside a certificate it is `certificate+radius`. */
const RADIUS_IS_ASKED = /setting '[^']*\bradius\b[^']*' as [a-z ]*authentication method/

/** Whether every password goes to the broker. */
export const checkAuthRadius: GatewayCheck = async (host) => {
  const { main, vhosts } = await host.conf()
  const about = `auth in ${host.file}`
  const method = radiusMethodOf(main, 'auth')
  const tested = await host.tested()
  const isDenied = tested?.code === 0 && !RADIUS_IS_ASKED.test(`${tested.stdout}${tested.stderr}`)
  if (method === undefined || isDenied)
    return [fault(about, 'is not RADIUS, so the broker is never asked', AUTH)]
  const others = waysAround(main)
  if (others.length > 0 && tested?.code !== 1)
    return [warning(about, `lets in without the broker, too: ${others.join(', ')}`, 'remove enable-auth')]
  const elsewhere = vhosts.filter(
    (vhost) => vhost.all('auth').length > 0 && radiusMethodOf(vhost, 'auth') === undefined,
  )
  if (elsewhere.length > 0)
    return [
      hint(about, `is not RADIUS for the virtual host ${elsewhere.map(({ vhost }) => vhost).join(', ')}`),
    ]
  return [ok(about, `is RADIUS, by ${method.config}`)]
}

/** Whether ocserv takes address, DNS, routes and timeouts of a reply. */
export const checkGroupConfig: GatewayCheck = async (host) => {
  const about = `groupconfig in ${host.file}`
  const method = await host.radius('auth')
  if (method === undefined) return [notApplicable(about, NO_RADIUS)]
  return method.groupConfig
    ? [ok(about, 'is true')]
    : [
        fault(
          about,
          'is not true, so tunnels have an address of ocserv’s own, no name server and no routes of the reply',
          `auth = "radius[config=${method.config},groupconfig=true]"`,
        ),
      ]
}

/** Whether sessions are reported, to a server that is there. */
export const checkAccounting: GatewayCheck = async (host) => {
  const about = `acct in ${host.file}`
  const auth = await host.radius('auth')
  if (auth === undefined) return [notApplicable(about, NO_RADIUS)]
  const acct = await host.radius('acct')
  const line = `acct = "radius[config=${auth.config}]"`
  if (acct === undefined)
    return [fault(about, 'is missing: no session is reported, and addresses of a pool are never freed', line)]
  const [server, authServer] = [await host.server('acct'), await host.server('auth')]
  if (authServer === undefined) return [notApplicable(about, `${auth.config} names no server`)]
  if (server === undefined)
    return [
      fault(
        about,
        `${acct.config} has no acctserver: every login is denied, though the broker accepts it`,
        `acctserver ${authServer.host}:1813`,
      ),
    ]
  const [one, other] = await Promise.all([authServer, server].map(({ host: name }) => host.addressesOf(name)))
  if (one?.some((address) => other?.includes(address)) !== true && one?.length !== 0 && other?.length !== 0)
    return [
      hint(
        about,
        `sessions are reported to ${server.host}, and ${authServer.host} is asked for logins`,
        'ask one broker for both, or brokers that share their records',
      ),
    ]
  return [ok(about, `sessions are reported to ${server.host}`)]
}
