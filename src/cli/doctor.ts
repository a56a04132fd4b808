import { type Command, Option } from 'commander'
import { withConfig } from '../app/own-calls.ts'
import { OperatorError } from '../domain/errors.ts'
import { type CommonOptions, command } from './command.ts'
import { findingLines } from './finding-lines.ts'
import { print } from './output.ts'

export interface DoctorOptions extends CommonOptions {
  readonly only?: readonly string[]
  /** ocserv.conf: the gateway's side is looked at. */
  readonly gateway?: string
  readonly expect?: string
  readonly broker?: string
  readonly name?: string
  readonly tokenFile: string
  readonly caFile?: string
}

export function doctorCommand(): Command {
  return command('doctor')
    .option('--only <id...>', 'these checks alone')
    .option('--gateway <file>', 'on the host of a gateway: look at it by its ocserv.conf')
    .option('--expect <file>', 'with --gateway: what `ocserv-config GATEWAY --json` printed at the broker')
    .option(
      '--broker <url or file>',
      'with --gateway: where the broker answers HTTP; or its configuration, where it can be read here',
    )
    .option('--name <gateway>', 'with --broker: the name of the gateway there')
    .addOption(
      new Option('--token-file <file>', 'with the URL of a broker: a token with the scope gateway:NAME')
        .default('/etc/ocbroker/agent.token')
        .env('OCBROKER_AGENT_TOKEN_FILE'),
    )
    .addOption(
      new Option('--ca-file <file>', "the authority of the broker's certificate, in PEM").env(
        'OCBROKER_AGENT_CA_FILE',
      ),
    )
    .action(examine)
}

/** Only the side that is looked at is loaded: a gateway's takes a part of the time. */
async function examine(options: DoctorOptions): Promise<void> {
  const findings =
    options.gateway === undefined
      ? await (await import('./doctor-broker.ts')).examineBroker(options)
      : await (await import('./doctor-gateway.ts')).examineGateway(options.gateway, options)
  // At a gateway the calls in a remedy are for the broker's machine.
  const remedyOf = (text: string) => (options.gateway === undefined ? withConfig(text, options.config) : text)
  print(options.json, { findings }, () => findings.flatMap((finding) => findingLines(finding, remedyOf)))
  if (findings.some(({ verdict }) => verdict === 'fault')) throw new OperatorError('')
}
