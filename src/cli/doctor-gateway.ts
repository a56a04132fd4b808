import { readFile } from 'node:fs/promises'
import { type Finding, fault, ok } from '../doctor/finding.ts'
import { gatewayChecks } from '../doctor/gateway/checks.ts'
import { type Expectation, readExpectation } from '../doctor/gateway/expectation.ts'
import { GatewayHost } from '../doctor/gateway/gateway-host.ts'
import { type IdentifiedFinding, runChecks } from '../doctor/run-checks.ts'
import { systemClock } from '../domain/clock.ts'
import { messageOf, OperatorError } from '../domain/errors.ts'
import { readConfig } from './command.ts'
import type { DoctorOptions } from './doctor.ts'
import { askForStatus } from './status-probe.ts'

/** Each program, name server and broker that is asked has 3 s at most; this is for a machine that is slow itself. */
const WITHIN_MS = 6000
/** For the broker's HTTP, before the checks and after the probes. */
const ASKED_WITHIN_MS = 2500

/** Needs no broker.yaml, and loads nothing of the broker. @param file ocserv.conf. @throws OperatorError */
export async function examineGateway(
  file: string,
  options: DoctorOptions,
): Promise<readonly IdentifiedFinding[]> {
  const asked = await expectation(options)
  const askForDrops = asked.again && (async () => (await asked.again?.())?.drops ?? [])
  const { finding: brokerAnswer } = asked
  const host = new GatewayHost({
    ...{ file, expectation: asked.expectation, brokerAnswer },
    ...{ askForStatus, askForDrops },
  })
  const checks = Object.entries(gatewayChecks(systemClock)).map(
    ([id, check]) => [id, () => check(host)] as const,
  )
  return runChecks(Object.fromEntries(checks), WITHIN_MS, options.only)
}

interface Asked {
  readonly expectation?: Expectation
  /** Asks a broker that runs once more. */
  readonly again?: () => Promise<Expectation>
  /** What came of asking it. */
  readonly finding?: Finding
}

async function expectation(options: DoctorOptions): Promise<Asked> {
  const { expect, broker } = options
  if (expect !== undefined) {
    const text = await readFile(expect, 'utf8').catch((error: unknown) => {
      throw new OperatorError(`${expect} cannot be read: ${messageOf(error)}`)
    })
    return { expectation: readExpectation(text, expect) }
  }
  if (broker === undefined) return {}
  if (/^https?:\/\//.test(broker)) return fromBroker(broker, options)
  return { expectation: await fromConfiguration(broker, options) }
}

/** A broker that does not answer is a finding, and the rest is looked at all the same. */
async function fromBroker(url: string, { name, tokenFile, caFile }: DoctorOptions): Promise<Asked> {
  if (name === undefined)
    throw new OperatorError('say with --name what this gateway is called in the broker’s configuration')
  const { openBroker } = await import('./agent-broker.ts')
  const broker = await openBroker({ broker: url, gateway: name, tokenFile, caFile })
  const again = async () => readExpectation(await broker.expectation(ASKED_WITHIN_MS), url)
  const about = `broker at ${url}`
  try {
    return { expectation: await again(), again, finding: ok(about, `tells what it expects of ${name}`) }
  } catch (error) {
    return { finding: fault(about, error, 'see http and http.allow in broker.yaml; or use --expect FILE') }
  }
}

async function fromConfiguration(file: string, { name }: DoctorOptions): Promise<Expectation> {
  const config = await readConfig({ config: file })
  const { expectationOf, ownServers } = await import('../app/gateway-expectation.ts')
  const { gateways } = config
  const gateway = name === undefined ? gateways[0] : gateways.find((each) => each.name === name)
  if (gateway === undefined || (name === undefined && gateways.length > 1))
    throw new OperatorError(
      `say with --name which gateway of ${file} this is: ${gateways.map((each) => each.name).join(', ')}`,
    )
  return expectationOf(config, gateway, ownServers(config))
}
