import { scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { z } from 'zod'
import { OperatorError } from '../../domain/errors.ts'

const policySchema = z.object({
  name: z.string(),
  pool: z.string().optional(),
  routes: z.array(z.string()).default([]),
  dns: z.array(z.string()).default([]),
  groups: z.array(z.string()).default([]),
  hasSpeeds: z.boolean().default(false),
  hasIpv6: z.boolean().default(false),
})

const dropSchema = z.object({
  source: z.string(),
  kind: z.enum(['login', 'accounting', 'status']),
  reason: z.string(),
  state: z.enum(['every', 'some', 'over']),
  cause: z.string(),
  remedy: z.string(),
})

/** A kind of request of this gateway that the broker drops. */
export type ReportedDrop = z.output<typeof dropSchema>

const expectationSchema = z.object({
  gateway: z.string(),
  broker: z.object({
    /** Where the gateway is to ask; names or addresses without brackets. */
    servers: z.array(z.string()),
    authPort: z.number(),
    acctPort: z.number(),
    deadlineMs: z.number(),
    /** The longest that a user may take between two prompts. */
    answerWithinMs: z.number(),
    realms: z.array(z.string()),
    /** Absent: no HTTP that another machine could ask. */
    healthUrl: z.string().optional(),
  }),
  /** The gateway's entry in the broker's configuration. */
  entry: z.object({
    addresses: z.array(z.string()),
    nasIdentifiers: z.array(z.string()),
    messageAuthenticator: z.enum(['auto', 'require', 'off']),
    /** Absent: it is heard over TLS alone. */
    secretDigest: z.string().optional(),
  }),
  pools: z.array(z.object({ name: z.string(), network: z.string(), size: z.number() })),
  policies: z.array(policySchema),
  /** Only from a broker that runs. */
  drops: z.array(dropSchema).optional(),
})

/** What a broker expects of a gateway, as `ocserv-config GATEWAY --json` prints it there. */
export type Expectation = z.output<typeof expectationSchema>

/** @throws OperatorError where it is no such thing. */
export function readExpectation(text: string, file: string): Expectation {
  try {
    return expectationSchema.parse(JSON.parse(text))
  } catch (error) {
    throw new OperatorError(
      `${file} is not what \`ocbroker ocserv-config GATEWAY --json\` prints at the broker`,
      { cause: error },
    )
  }
}

const derive = promisify(scrypt)
const DIGEST_OCTETS = 32

/** Tells whether two secrets are one without showing either; guessing by it costs as much as a password hash. */
export async function digestSecret(secret: Buffer, salt: Buffer): Promise<string> {
  const key = (await derive(secret, salt, DIGEST_OCTETS)) as Buffer
  return `scrypt:${salt.toString('base64url')}:${key.toString('base64url')}`
}

export async function isSecretOf(digest: string, secret: string): Promise<boolean> {
  const [, salt = '', key = ''] = digest.split(':')
  const expected = Buffer.from(key, 'base64url')
  if (expected.length !== DIGEST_OCTETS) return false
  const found = (await derive(Buffer.from(secret), Buffer.from(salt, 'base64url'), DIGEST_OCTETS)) as Buffer
  return timingSafeEqual(found, expected)
}
