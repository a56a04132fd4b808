import type { Runtime } from '../domain/runtime.ts'
import type { AccountingReport } from '../domain/session.ts'
import { Code } from '../radius/codes.ts'
import { readAccountingRequest } from './accounting-request.ts'
import type { RadiusRequest } from './radius-server.ts'
import type { UnsignedReply } from './reply.ts'

export interface AccountingHandlerOptions {
  /** @returns whether the gateway is to be answered. */
  readonly keepAccounting: (record: AccountingReport) => Promise<boolean>
}

const RESPONSE: UnsignedReply = { code: Code.AccountingResponse, attributes: [] }

/** Answers Accounting-Requests, once their records are kept. */
export class AccountingHandler {
  readonly #options: AccountingHandlerOptions & Runtime

  constructor(options: AccountingHandlerOptions & Runtime) {
    this.#options = options
  }

  /** @returns undefined where the gateway is to get no answer. */
  async answer({ packet, client, arrivedAt }: RadiusRequest): Promise<UnsignedReply | undefined> {
    const { clock, metrics, keepAccounting } = this.#options
    const record = readAccountingRequest(packet, client, clock.now())
    const isKept = record === undefined || (await keepAccounting(record))
    const seconds = (clock.monotonic() - arrivedAt) / 1000
    metrics.accounting(record?.kind ?? 'other', client.gateway.name, seconds)
    return isKept ? RESPONSE : undefined
  }
}
