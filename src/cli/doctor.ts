import { type Command, Option } from 'commander'
import { withConfig } from '../app/own-calls.ts'
import { OperatorError } from '../domain/errors.ts'
import type { Locale } from '../domain/locale.ts'
import { type CommonOptions, command } from './command.ts'
import { findingTextIn, translated } from './finding-in.ts'
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

/** @param language of the findings; their ids and verdicts are the same in all. */
export function doctorCommand(language: Locale): Command {
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
    .action((options: DoctorOptions) => examine(options, language))
}

/** Only the side that is looked at is loaded: a gateway's takes a part of the time. */
async function examine(options: DoctorOptions, language: Locale): Promise<void> {
  const found =
    options.gateway === undefined
      ? await (await import('./doctor-broker.ts')).examineBroker(options)
      : await (await import('./doctor-gateway.ts')).examineGateway(options.gateway, options)
  const text = await findingTextIn(language)
  const findings = found.map((finding) => translated(finding, text))
  // At a gateway the calls in a remedy are for the broker's machine.
  const remedyOf = (remedy: string) =>
    options.gateway === undefined ? withConfig(remedy, options.config) : remedy
  print(options.json, { findings }, () =>
    findings.flatMap((finding) => findingLines(finding, remedyOf, text)),
  )
  if (findings.some(({ verdict }) => verdict === 'fault')) throw new OperatorError('')
}
