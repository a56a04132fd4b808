import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { temporaryFolder } from './folder.ts'
import { freePort } from './free-port.ts'
import { thisMachine } from './process.ts'

/** A value of an instant query with its labels. */
interface Sample {
  readonly metric: Readonly<Record<string, string>>
  readonly value: readonly [number, string]
}

export interface Prometheus {
  /** What a query is answered with now. @throws Error with Prometheus' own words where it is refused. */
  query(expr: string): Promise<readonly Sample[]>
  /** By the path of its API. */
  ask(path: string): Promise<unknown>
  stop(): Promise<void>
}

/**
 * Starts Prometheus with deploy/prometheus, which asks one broker each second. @param target `127.0.0.1:8443`, by TLS.
 */
export async function startPrometheus(
  config: string,
  { target, token, rules }: { readonly target: string; readonly token: string; readonly rules: string },
): Promise<Prometheus> {
  const folder = temporaryFolder('prometheus')
  const port = await freePort()
  writeFileSync(folder.file('token'), token, { mode: 0o600 })
  const { scrape_configs, ...shipped } = parse(config) as {
    readonly scrape_configs: readonly Record<string, unknown>[]
    readonly rule_files: readonly string[]
  }
  const [job] = scrape_configs
  const adapted = {
    ...shipped,
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: shipped.rule_files.map((file) => join(rules, file)),
    scrape_configs: [
      {
        ...job,
        authorization: { credentials_file: folder.file('token') },
        tls_config: { insecure_skip_verify: true },
        static_configs: [{ targets: [target] }],
      },
    ],
  }
  writeFileSync(folder.file('prometheus.yml'), stringify(adapted))
  const url = `http://127.0.0.1:${port}`
  const running = thisMachine.start('prometheus', [
    `--config.file=${folder.file('prometheus.yml')}`,
    `--storage.tsdb.path=${folder.file('data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ])
  const stop = async () => {
    await running.stop()
    await folder.remove()
  }
  try {
    await running.waitForOutput(/Server is ready to receive web requests/, 30_000)
  } catch (error) {
    await stop()
    throw error
  }
  const ask = async (path: string) => (await fetch(url + path)).json()
  return {
    ask,
    async query(expr) {
      const answer = (await ask(`/api/v1/query?query=${encodeURIComponent(expr)}`)) as {
        readonly status: string
        readonly error?: string
        readonly data?: { readonly result: readonly Sample[] }
      }
      if (answer.status !== 'success' || answer.data === undefined)
        throw new Error(`${expr}: ${JSON.stringify(answer)}`)
      return answer.data.result
    },
    stop,
  }
}
