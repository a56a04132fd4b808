import { readFile } from 'node:fs/promises'
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

/** Needs no broker.yaml, and loads nothing of the broker. @param file ocserv.conf. @throws OperatorError */
export async function examineGateway(
  file: string,
  options: DoctorOptions,
): Promise<readonly IdentifiedFinding[]> {
  const host = new GatewayHost({ file, expectation: await expectation(options), askForStatus })
  const checks = Object.entries(gatewayChecks(systemClock)).map(
    ([id, check]) => [id, () => check(host)] as const,
  )
  return runChecks(Object.fromEntries(checks), WITHIN_MS, options.only)
}

async function expectation(options: DoctorOptions): Promise<Expectation | undefined> {
  const { expect, broker } = options
  if (expect !== undefined) {
    const text = await readFile(expect, 'utf8').catch((error: unknown) => {
      throw new OperatorError(`${expect} cannot be read: ${messageOf(error)}`)
    })
    return readExpectation(text, expect)
  }
  return broker === undefined ? undefined : fromConfiguration(broker, options)
}

async function fromConfiguration(file: string, { name }: DoctorOptions): Promise<Expectation> {
  const config = await readConfig({ config: file })
  const { expectationOf, ownServers } = await import('./gateway-expectation.ts')
  const { gateways } = config
  const gateway = name === undefined ? gateways[0] : gateways.find((each) => each.name === name)
  if (gateway === undefined || (name === undefined && gateways.length > 1))
    throw new OperatorError(
      `say with --name which gateway of ${file} this is: ${gateways.map((each) => each.name).join(', ')}`,
    )
  return expectationOf(config, gateway, ownServers(config))
}
