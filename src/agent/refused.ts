import { OperatorError } from '../domain/errors.ts'

/** What the process ends with, so that a unit or a script can tell the causes apart. */
export const AGENT_EXIT = { token: 3, gateway: 4, version: 5, certificate: 6, broker: 7, occtl: 8 } as const

/** What trying again does not mend. */
export class AgentRefused extends OperatorError {
  override readonly exitCode: number

  constructor(cause: keyof typeof AGENT_EXIT, message: string) {
    super(message)
    this.exitCode = AGENT_EXIT[cause]
  }
}
