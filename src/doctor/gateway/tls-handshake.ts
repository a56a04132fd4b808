import { connect } from 'node:tls'
import { messageOf } from '../../domain/errors.ts'
import { fault, hint, notApplicable, ok } from '../finding.ts'
import { checkInputChain } from './firewall.ts'
import type { GatewayCheck } from './gateway-check.ts'
import { checkPorts } from './ports.ts'

/** Milliseconds; less than a check may take. */
const WITHIN_MS = 2000

/** What a client of today and ocserv agree on. */
export const checkTls: GatewayCheck = async (host) => {
  const { main } = await host.conf()
  const port = main.number('tcp-port') ?? 443
  const listens = main.last('listen-host')
  const about = `TLS at port ${port}`
  const others = await Promise.all([checkPorts(host), checkInputChain(host)])
  if (others.flat().some(({ verdict }) => verdict === 'fault'))
    return [notApplicable(about, 'see ports and input-chain')]
  const [address = '127.0.0.1'] = listens === undefined ? [] : await host.addressesOf(listens)
  const agreed = await handshake(address, port)
  if (agreed instanceof Error)
    return [
      fault(
        about,
        `no connection: ${messageOf(agreed)}`,
        'tls-priorities = "NORMAL:%SERVER_PRECEDENCE:%COMPAT:-VERS-SSL3.0:-VERS-TLS1.0:-VERS-TLS1.1"',
      ),
    ]
  if (agreed === 'TLSv1.3' || agreed === 'TLSv1.2') return [ok(about, `is ${agreed}`)]
  return [
    hint(
      about,
      `is ${agreed}, which newer clients refuse`,
      'tls-priorities = "NORMAL:-VERS-TLS1.0:-VERS-TLS1.1"',
    ),
  ]
}

/** The certificate is looked at elsewhere, and this machine need not trust it. @returns the version of TLS. */
function handshake(host: string, port: number): Promise<string | Error> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, rejectUnauthorized: false, timeout: WITHIN_MS })
    const end = (result: string | Error) => {
      socket.destroy()
      resolve(result)
    }
    socket.once('secureConnect', () => end(socket.getProtocol() ?? 'unknown'))
    socket.once('error', end)
    socket.once('timeout', () => end(new Error('it took too long')))
  })
}
