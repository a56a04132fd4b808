import { type Finding, fault, hint, notApplicable, ok } from '../finding.ts'
import { listeningPorts } from './firewall.ts'
import type { GatewayCheck } from './gateway-check.ts'
import { runProgram } from './programs.ts'

/** systemd holds them for ocserv where its unit is started by a socket. */
const OWNERS = /"(ocserv[^"]*|systemd)"/

/** Whether ocserv has the ports that it is told to listen on. */
export const checkPorts: GatewayCheck = async (host) => {
  const about = 'ports of ocserv'
  const listed = await runProgram('ss', ['-H', '-lntup'])
  if (listed?.code !== 0) return [notApplicable(about, '`ss` does not say')]
  const { main } = await host.conf()
  if ((main.number('udp-port') ?? 0) === 0)
    return [hint(about, 'there is no udp-port: all traffic goes by TCP, which is slow', 'udp-port = 443')]
  const findings = (await listeningPorts(host)).flatMap(({ protocol, port }): Finding[] => {
    const lines = listed.stdout
      .split('\n')
      .filter((line) => line.startsWith(protocol) && new RegExp(`:${port}\\s`).test(line))
    if (lines.some((line) => OWNERS.test(line))) return []
    const where = `${protocol} port ${port}`
    const holder = /users:\(\("([^"]+)",pid=(\d+)/.exec(lines.join('\n'))
    if (holder !== null)
      return [
        fault(
          about,
          `${where} is held by ${holder[1]} (${holder[2]}): ocserv cannot start ("Address already in use")`,
          `stop ${holder[1]}, or ${protocol}-port = another`,
        ),
      ]
    if (lines.length > 0) return [notApplicable(about, `${where} is held, by whom only root can see`)]
    return [
      fault(
        about,
        `nobody listens at ${where}: ocserv does not run`,
        'systemctl start ocserv; journalctl -u ocserv',
      ),
    ]
  })
  return findings.length > 0 ? findings : [ok(about, 'are held by ocserv')]
}
