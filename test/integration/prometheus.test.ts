import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { encodeAttribute } from '../../src/radius/dictionary.ts'
import { ask as askHttp } from '../http/ask.ts'
import { FormClient } from '../http/form-client.ts'
import { type Broker, startBroker } from '../real/broker.ts'
import { makeCertificates } from '../real/certificates.ts'
import { temporaryFolder } from '../real/folder.ts'
import { freePort } from '../real/free-port.ts'
import { queriesOf } from '../real/grafana-board.ts'
import { describeWith } from '../real/needs.ts'
import { addPeople } from '../real/people.ts'
import { thisMachine } from '../real/process.ts'
import { type Prometheus, startPrometheus } from '../real/prometheus.ts'
import { accountingRequest, ask, loginRequest } from '../real/radius-socket.ts'

const PASSWORD = 'correct horse'
const ROOT = join(import.meta.dirname, '../..')
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')
/** Nothing is late here, and nothing is sent twice. */
const WITHOUT_SERIES = /ocbroker_late_logins_total|ocbroker_repeated_datagrams_total/

describeWith(['prometheus', 'promtool', 'openssl'], 'Prometheus, with two workers', () => {
  const resources = new AsyncDisposableStack()
  let broker: Broker
  let prometheus: Prometheus
  let url: string
  let token: string

  beforeAll(async () => {
    const folder = temporaryFolder('prometheus-certificate')
    resources.defer(folder.remove)
    const { certificate, key } = await makeCertificates(folder)
    const port = await freePort()
    broker = await startBroker({
      sections: {
        radius: { workers: 2, deadline: '60s' },
        second_factor: { required: false },
        limits: { user: '1000/1s' },
        lockout: { after: 50, user_after: 50, address_after: 50 },
        pools: { staff: { ipv4: '10.8.0.0/24' } },
        policies: [{ name: 'everyone', reply: { pool: 'staff' } }],
        http: { port, tls: { cert_file: certificate, key_file: key } },
      },
    })
    resources.defer(broker.stop)
    url = `https://127.0.0.1:${port}`
    await addPeople(broker, [
      { name: 'alice', password: PASSWORD, enrolled: false },
      { name: 'bob', password: PASSWORD, enrolled: false },
    ])
    const made = await broker.ocbroker(['token', 'create', '--name', 'prometheus', '--scope', 'metrics:read'])
    token = (made as { readonly token: string }).token
    await work()
    prometheus = await startPrometheus(read('deploy/prometheus/scrape.yml'), {
      target: `127.0.0.1:${port}`,
      token,
      rules: join(ROOT, 'deploy/prometheus'),
    })
    resources.defer(prometheus.stop)
  })
  afterAll(() => resources.disposeAsync())

  /** A little of everything: logins, accounting, a sign-in, junk. */
  async function work(): Promise<void> {
    const { secret, authPort, acctPort } = broker
    const login = (password: string) =>
      ask(authPort, loginRequest({ secret, user: 'alice', password }), { tries: 20 })
    const replies = await Promise.all(Array.from({ length: 8 }, () => login(PASSWORD)))
    expect(replies.map((reply) => reply?.code)).toEqual(Array(8).fill('Access-Accept'))
    await login('wrong')
    await ask(
      acctPort,
      accountingRequest(secret, [
        encodeAttribute('Acct-Status-Type', 1),
        encodeAttribute('User-Name', 'alice'),
        encodeAttribute('Acct-Session-Id', 'one'),
        encodeAttribute('Calling-Station-Id', '198.51.100.1'),
      ]),
      { tries: 20 },
    )
    const junk = loginRequest({ secret, user: 'alice', password: PASSWORD })
    await ask(authPort, { ...junk, octets: junk.octets.subarray(0, 30) }, { tries: 1 })
    const browser = new FormClient(url)
    await browser.get('/')
    await browser.post('/sign-in', { name: 'bob', password: PASSWORD })
  }

  const figure = async (query: string) => {
    const [sample, ...others] = await prometheus.query(query)
    expect(others).toEqual([])
    return sample === undefined ? undefined : Number(sample.value[1])
  }

  test('finds nothing wrong with the metrics, and is told what happened in all workers, once', async () => {
    const { text } = await askHttp(`${url}/metrics`, { token })
    const { code, output } = await thisMachine.run('promtool', ['check', 'metrics'], { input: text })
    expect([code, output]).toEqual([0, ''])
    await expect.poll(() => figure('up{job="ocbroker"}'), { timeout: 30_000 }).toBe(1)
    const values = async () => ({
      accepted: await figure('ocbroker_login_seconds_count{outcome="grant"}'),
      refused: await figure('ocbroker_login_seconds_count{outcome="bad_credentials"}'),
      signedIn: await figure('ocbroker_sign_ins_total{way="password",outcome="enrol"}'),
      sessions: await figure('sum(ocbroker_sessions)'),
      open: await figure('ocbroker_sessions{gateway="gw",state="open"}'),
      addresses: await figure('sum(ocbroker_pool_addresses{pool="staff"})'),
      storage: await figure('ocbroker_dependency_up{dependency="storage"}'),
      spool: await figure('sum(ocbroker_spool_bytes)'),
      days: await figure(
        'floor((ocbroker_certificate_not_after_timestamp_seconds{use="http"} - time()) / 86400)',
      ),
      workers: await figure('ocbroker_workers'),
      builds: await figure('count(ocbroker_build_info{version=~".+", node=~"[0-9.]+"})'),
    })
    await expect.poll(values, { timeout: 30_000 }).toEqual({
      accepted: 8,
      refused: 1,
      signedIn: 1,
      sessions: 8,
      open: 1,
      addresses: 253,
      storage: 1,
      spool: 0,
      days: 1,
      workers: 2,
      builds: 1,
    })
  })

  test('answers every query of the board with series', async () => {
    const queries = queriesOf(read('deploy/grafana/ocbroker.json'))
    expect(queries.length).toBeGreaterThan(20)
    const silent = async () => {
      const answers = await Promise.all(
        queries.map(async (query) => [query, (await prometheus.query(query)).length] as const),
      )
      return answers
        .filter(([query, series]) => series === 0 && !WITHOUT_SERIES.test(query))
        .map(([query]) => query)
    }
    await expect.poll(silent, { timeout: 30_000 }).toEqual([])
  })

  test('loads the alerts, which have nothing to say but that the certificate is short', async () => {
    const rules = async () => {
      const { data } = (await prometheus.ask('/api/v1/rules')) as {
        data: { groups: { rules: { name: string; state: string; health: string }[] }[] }
      }
      return data.groups.flatMap((group) => group.rules)
    }
    await expect
      .poll(async () => (await rules()).map(({ health }) => health), { timeout: 30_000 })
      .toEqual(Array((await rules()).length).fill('ok'))
    const loud = (await rules()).filter(({ state }) => state !== 'inactive')
    expect(loud.map(({ name }) => name)).toEqual(['OcbrokerCertificateExpires'])
  })
})
