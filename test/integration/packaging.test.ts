import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { generateSync } from 'otplib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { ask } from '../http/ask.ts'
import { type Sections, startBroker } from '../real/broker.ts'
import { type TemporaryFolder, temporaryFolder } from '../real/folder.ts'
import { freePort } from '../real/free-port.ts'
import { describeWith } from '../real/needs.ts'
import { POSTGRES_NEEDS, startPostgres } from '../real/postgres.ts'
import { outputOf, thisMachine, waitForSocket } from '../real/process.ts'
import { startCaddy } from '../real/proxies.ts'
import { startRedis } from '../real/redis.ts'
import { SLAPD_NEEDS } from '../real/slapd.ts'

const ROOT = join(import.meta.dirname, '../..')
const SECRETS = '/run/secrets/'
const inProject = (path: string) => join(ROOT, path)
const text = (path: string) => readFileSync(inProject(path), 'utf8')

interface Service {
  readonly image: string
  readonly build?: { readonly context: string }
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly healthcheck?: { readonly test: readonly string[] }
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly networks: Readonly<Record<string, unknown>>
  readonly ports?: readonly (string | { readonly published: number; readonly target: number })[]
  readonly secrets?: readonly { readonly source: string }[]
  readonly volumes?: readonly string[]
  readonly read_only?: boolean
  readonly cap_drop?: readonly string[]
}

interface Composition {
  readonly services: Readonly<Record<string, Service>>
  readonly secrets: Readonly<Record<string, { readonly file: string }>>
  readonly networks: Readonly<Record<string, { readonly internal?: boolean }>>
}

/** The instructions of the Dockerfile, each on one line. */
const instructions = text('Dockerfile')
  .replace(/^#.*\n/gm, '')
  .replaceAll(/\\\n/g, ' ')
  .split('\n')
  .filter((line) => line !== '')
const instruction = (name: string) => instructions.filter((line) => line.startsWith(`${name} `))

describe('the image', () => {
  test('runs the broker as an unprivileged user, by the Node among its packages', () => {
    expect(instruction('USER')).toEqual(['USER 10001:10001'])
    expect(instruction('ENTRYPOINT')).toEqual(['ENTRYPOINT ["ocbroker"]'])
    expect(instruction('ENV')[0]).toContain('PATH=/app/bin:/app/node_modules/.bin:$PATH')
    expect(existsSync(inProject('node_modules/.bin/node'))).toBe(true)
    expect(instruction('HEALTHCHECK')[0]).toContain('http://127.0.0.1:8080/healthz')
  })

  const copied = instruction('COPY')
    .filter((line) => !line.includes('--from='))
    .flatMap((line) => line.split(' ').slice(1, -1))

  test('is built from what it copies, and runs', async () => {
    await using folder = new AsyncDisposableStack()
    const build = temporaryFolder('image')
    folder.defer(build.remove)
    for (const path of copied) cpSync(inProject(path), build.file(path), { recursive: true })
    // Stands for "npm ci" in the first stage, and for the copy of it in the second.
    symlinkSync(inProject('node_modules'), build.file('node_modules'))
    const { scripts } = JSON.parse(text('package.json')) as { scripts: Record<string, string> }
    expect(instruction('RUN')).toContain('RUN npm run build')
    await outputOf(thisMachine, 'sh', ['-c', scripts.build ?? ''], { cwd: build.path })
    symlinkSync(inProject('node_modules'), build.file('dist/node_modules'))
    const config = build.file('dist/config/broker.yaml')
    const { output } = await thisMachine.run(build.file('dist/bin/ocbroker'), ['check', '--config', config])
    expect(output).toContain(`${config} is sound.`)
  })

  test('holds what it copies, and no more of the project than that', () => {
    const letIn = text('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1))
    expect([...new Set(copied)].sort()).toEqual(letIn.sort())
    for (const path of copied) expect([path, existsSync(inProject(path))]).toEqual([path, true])
  })

  test('has the folder for records where its configuration looks for it', () => {
    const shipped = parse(text('config/broker.yaml')) as { readonly storage: Record<string, string> }
    expect(shipped.storage).toMatchObject({ sqlite: '../data/broker.db', key_file: '../data/seed.key' })
    expect(instruction('RUN')).toContain('RUN ln -s /var/lib/ocbroker data')
  })
})

describeWith(['docker-compose'], 'docker-compose.yml', () => {
  let composition: Composition

  beforeAll(async () => {
    const file = inProject('docker-compose.yml')
    composition = parse(await outputOf(thisMachine, 'docker-compose', ['-f', file, 'config'])) as Composition
  })

  const brokers = () =>
    Object.values(composition.services).filter(({ image }) => image.startsWith('ocbroker:'))

  test('is accepted, with two brokers and what they need, each with a health check', () => {
    const names = Object.keys(composition.services).sort()
    expect(names).toEqual(['broker1', 'broker2', 'caddy', 'openldap', 'postgres', 'redis'])
    for (const [name, service] of Object.entries(composition.services)) {
      // The brokers' is in their image.
      const isChecked = brokers().includes(service) || service.healthcheck !== undefined
      expect([name, isChecked]).toEqual([name, true])
      expect([name, service.image]).toEqual([name, expect.stringMatching(/:\d+\.\d+(\.\d+)?(-\w+)?$/)])
    }
    // `docker compose` takes it for obsolete, and warns.
    expect(parse(text('docker-compose.yml'))).not.toHaveProperty('version')
    for (const broker of brokers()) {
      expect(Object.values(broker.depends_on ?? {})).toEqual(Array(3).fill({ condition: 'service_healthy' }))
      expect(broker).toMatchObject({ read_only: true, cap_drop: ['ALL'], build: { context: ROOT } })
    }
  })

  test('publishes RADIUS, and HTTP by TLS alone', () => {
    const published = Object.values(composition.services).flatMap(({ ports = [] }) =>
      ports.map((port) => (typeof port === 'string' ? port : `${port.published}:${port.target}`)),
    )
    expect(published.sort()).toEqual(
      ['1812:1812', '1813:1813', '80:80', '2812:1812', '2813:1813', '443:443'].sort(),
    )
    expect(composition.networks).toMatchObject({ inside: { internal: true } })
    for (const name of ['postgres', 'redis', 'openldap'])
      expect(Object.keys(composition.services[name]?.networks ?? {})).toEqual(['inside'])
  })

  test('gives every service the secrets that it reads, and no other', () => {
    for (const [name, service] of Object.entries(composition.services)) {
      const isBroker = brokers().includes(service)
      const ofDirectory =
        name === 'openldap'
          ? ['slapd.conf', 'start'].map((file) => text(`config/compose/openldap/${file}`))
          : []
      const reads = isBroker
        ? text('config/compose/broker.yaml')
        : JSON.stringify(service) + ofDirectory.join('')
      const named = new Set([...reads.matchAll(/\/run\/secrets\/(\w+)/g)].map(([, secret]) => secret))
      const given = (service.secrets ?? []).map(({ source }) => source)
      expect([name, [...named].sort()]).toEqual([name, given.sort()])
    }
  })

  test('mounts the files that there are, and a configuration where the broker looks for it', () => {
    for (const { volumes = [], environment } of Object.values(composition.services)) {
      for (const volume of volumes.filter((one) => one.startsWith('/'))) {
        const [from = ''] = volume.split(':')
        expect([from, existsSync(from)]).toEqual([from, true])
      }
      const config = environment?.OCBROKER_CONFIG
      if (config !== undefined) {
        const file = inProject('config/compose/broker.yaml')
        expect(volumes).toContain(`${file}:${config}:ro`)
      }
    }
  })

  test('and its configuration call the services by their names and ports', () => {
    const { identity, redis, http, storage } = parse(text('config/compose/broker.yaml'))
    expect(identity.people.urls).toEqual(['ldaps://openldap:1636'])
    expect(redis).toMatchObject({ url: 'redis://redis:6379/0', brokers: brokers().length })
    expect(http.port).toBe(8080)
    const { caddy } = composition.services
    expect(http.trusted_proxies).toEqual([Object(caddy?.networks.outside).ipv4_address])
    expect(text('config/compose/Caddyfile')).toContain('reverse_proxy broker1:8080 broker2:8080 {')
    const volumes = brokers().map((broker) =>
      broker.volumes?.find((one) => one.includes(storage.spool.slice(0, -11))),
    )
    // What waits for the database outlives the container, and is each broker's own.
    expect(new Set(volumes).size).toBe(2)
    expect(volumes.every((volume) => volume !== undefined)).toBe(true)
  })
})

describeWith(['sh', 'openssl'], 'config/compose/prepare', () => {
  let folder: TemporaryFolder
  beforeAll(async () => {
    folder = await prepared()
  })
  afterAll(() => folder.remove())

  test('makes every secret that docker-compose.yml names, for the services alone', () => {
    const { secrets } = parse(text('docker-compose.yml')) as Composition
    const names = Object.values(secrets).map(({ file }) => file.replace('./config/compose/secrets/', ''))
    expect(readdirSync(folder.file('secrets')).sort()).toEqual(names.sort())
    expect(statSync(folder.file('secrets')).mode & 0o777).toBe(0o700)
    const url = new URL(secret(folder, 'postgres_url'))
    const { postgres } = (parse(text('docker-compose.yml')) as Composition).services
    expect([url.hostname, url.username, url.pathname.slice(1)]).toEqual([
      'postgres',
      postgres?.environment?.POSTGRES_USER,
      postgres?.environment?.POSTGRES_DB,
    ])
    expect(url.searchParams.get('sslmode')).toBe('verify-full')
    expect(url.password).toBe(secret(folder, 'postgres_password'))
  })

  test('leaves what there is as it is', async () => {
    const before = secret(folder, 'seed_key')
    await outputOf(thisMachine, 'sh', [folder.file('prepare')])
    expect(secret(folder, 'seed_key')).toBe(before)
  })
})

describeWith(
  ['caddy', 'redis-server', 'redis-cli', 'openssl', ...POSTGRES_NEEDS, ...SLAPD_NEEDS],
  'a broker with the configuration, the secrets and the people of docker-compose.yml',
  () => {
    test('lets a user of the directory in', async () => {
      await using resources = new AsyncDisposableStack()
      const folder = await prepared()
      resources.defer(folder.remove)

      const { services } = parse(text('docker-compose.yml')) as Composition
      const [, , , ...settings] = services.redis?.command ?? []
      const redis = await startRedis({
        config: [`aclfile ${folder.file('secrets/redis_acl')}`, ...asLines(settings)],
      })
      resources.defer(redis.stop)
      const postgres = await startPostgres({
        tls: { certificate: secret(folder, 'postgres_certificate'), key: secret(folder, 'postgres_key') },
      })
      resources.defer(postgres.stop)
      const ldapPort = await startDirectory(folder, resources)

      // As a container would see them, but for the places of the servers.
      for (const name of readdirSync(folder.file('secrets'))) chmodSync(folder.file(`secrets/${name}`), 0o600)
      const url = new URL(await postgres.newDatabase())
      url.hostname = 'localhost'
      url.search = new URL(secret(folder, 'postgres_url')).search
      writeFileSync(folder.file('secrets/postgres_url'), `${url.href}\n`)
      const { radius, identity, http, ...sections } = parse(
        text('config/compose/broker.yaml').replaceAll(SECRETS, `${folder.path}/secrets/`),
      )
      const httpPort = await freePort()
      const broker = await startBroker({
        sections: {
          ...sections,
          radius: { ...radius, address: '127.0.0.1' },
          identity: { ...identity, people: { ...identity.people, urls: [`ldaps://localhost:${ldapPort}`] } },
          storage: { ...sections.storage, spool: folder.file('accounting') },
          redis: { ...sections.redis, url: `redis://127.0.0.1:${redis.port}/0` },
          http: { ...http, address: '127.0.0.1', port: httpPort, trusted_proxies: ['127.0.0.1'] },
        } satisfies Sections,
      })
      resources.defer(broker.stop)
      expect(
        (await broker.log()).filter(({ event }) => /^redis\.(evicts|not_persistent|lost)/.test(event)),
      ).toEqual([])

      const login = async (user: string) => {
        const { uri } = (await broker.ocbroker(['totp', 'enrol', user])) as { readonly uri: string }
        const key = new URL(uri).searchParams.get('secret') ?? ''
        const { stdout } = await broker.run(
          ['login', user, '--from', '127.0.0.1', '--password-stdin', '--json'],
          { input: `try-${user}\n${generateSync({ secret: key })}\n` },
        )
        return JSON.parse(stdout)
      }
      const replies = await login('wei')
      expect(replies).toMatchObject([{ code: 'Access-Challenge' }, { code: 'Access-Accept' }])
      expect(JSON.stringify(replies)).toContain('10.0.0.0/8')
      // Bob is in none of the groups.
      expect((await login('bob')).at(-1)).toMatchObject({ code: 'Access-Reject' })
      const [records] = await postgres.ask(
        "select bool_and(ssl) as encrypted from pg_stat_ssl join pg_stat_activity using (pid) where usename = 'ocbroker'",
      )
      expect(records).toEqual({ encrypted: true })

      const site = text('config/compose/Caddyfile').replace('broker1:8080 broker2:8080', '127.0.0.1:8080')
      const caddy = await startCaddy(site, { port: httpPort })
      resources.defer(caddy.stop)
      const shown = async () => {
        const page = await ask(`https://127.0.0.1:${caddy.port}/`, { headers: { host: 'localhost' } })
        return [page.status, page.headers['set-cookie']?.[0]?.slice(0, 16)]
      }
      await expect
        .poll(() => shown().catch(() => undefined), { timeout: 20_000 })
        .toEqual([200, '__Host-ocbroker='])
    })
  },
)

/** A folder in which the secrets have been made. */
async function prepared(): Promise<TemporaryFolder> {
  const folder = temporaryFolder('compose')
  cpSync(inProject('config/compose/prepare'), folder.file('prepare'))
  await outputOf(thisMachine, 'sh', [folder.file('prepare')])
  return folder
}

function secret(folder: TemporaryFolder, name: string): string {
  return readFileSync(folder.file(`secrets/${name}`), 'utf8').trim()
}

/** `--appendonly yes` of a command line as a line of redis.conf. */
function asLines(settings: readonly string[]): string[] {
  return settings.join(' ').split('--').slice(1)
}

/** The directory of config/compose/openldap, by Debian's slapd on a free port. */
async function startDirectory(folder: TemporaryFolder, resources: AsyncDisposableStack): Promise<number> {
  const port = await freePort()
  mkdirSync(folder.file('ldap'))
  for (const name of ['openldap/slapd.conf', 'openldap/start', 'people.ldif'])
    writeFileSync(
      folder.file(basename(name)),
      text(`config/compose/${name}`)
        .replaceAll('/tmp/', `${folder.path}/`)
        .replaceAll('/var/lib/ldap', folder.file('ldap'))
        .replaceAll('/etc/openldap', folder.path)
        .replaceAll(SECRETS, `${folder.path}/secrets/`)
        .replace('ldaps://:1636/', `ldaps://localhost:${port}/`),
    )
  const slapd = thisMachine.start('sh', [folder.file('start')], {
    env: { PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
  })
  resources.defer(slapd.stop)
  await waitForSocket(port)
  return port
}
