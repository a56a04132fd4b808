import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { load } from '../config/loading.ts'
import { describeWith } from '../real/needs.ts'
import { outputOf, thisMachine } from '../real/process.ts'

const FOLDER = join(import.meta.dirname, '../../deploy/kubernetes')
const SECRETS = '/run/secrets/ocbroker/'
const read = (name: string) => readFileSync(join(FOLDER, name), 'utf8')

/** An object of the cluster whose parts a test looks into by name. */
interface Part {
  readonly [part: string]: Part
}

const documents = (text: string) => parseAllDocuments(text).map((each) => each.toJS() as Part)
const { resources } = parse(read('kustomization.yaml')) as { readonly resources: readonly string[] }
const objects = resources.flatMap((name) => documents(read(name)))
const named = (kind: string, name = 'ocbroker') => {
  const found = objects.find((each) => `${each.kind}` === kind && `${each.metadata?.name}` === name)
  return found ?? expect.unreachable(`no ${kind} ${name}`)
}
const pod = named('StatefulSet').spec?.template?.spec as unknown as {
  readonly containers: readonly [Record<string, unknown>]
  readonly [part: string]: unknown
}
const [container] = pod.containers

test('all manifests are applied, and nothing else lies there', () => {
  expect(readdirSync(FOLDER).sort()).toEqual([...resources, 'broker.yaml', 'kustomization.yaml'].sort())
})

test('the pods have no rights that they do not need, and a disk for what waits', () => {
  expect(pod).toMatchObject({
    automountServiceAccountToken: false,
    securityContext: { runAsNonRoot: true, runAsUser: 10001, seccompProfile: { type: 'RuntimeDefault' } },
  })
  expect(container).toMatchObject({
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    resources: { requests: expect.anything(), limits: { memory: expect.any(String) } },
  })
  // The image runs as the same user.
  expect(readFileSync(join(FOLDER, '../../Dockerfile'), 'utf8')).toContain('USER 10001:10001')
})

test('probes, services, disruption budget and network policy mean the pods and ports that there are', () => {
  const ports = container.ports as readonly { readonly name: string; readonly protocol: string }[]
  for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe'])
    expect(container[probe]).toMatchObject({ httpGet: { path: '/healthz', port: 'http' } })
  const labels = named('StatefulSet').spec?.template?.metadata?.labels
  for (const service of ['ocbroker-radius', 'ocbroker-http']) {
    const { selector, ports: open } = named('Service', service).spec ?? {}
    expect(selector).toEqual(labels)
    for (const { targetPort, protocol } of Object.values(open ?? {}))
      expect(ports).toContainEqual(expect.objectContaining({ name: targetPort, protocol }))
  }
  expect(named('Service', 'ocbroker-radius').spec).toMatchObject({
    externalTrafficPolicy: 'Local',
    sessionAffinity: 'ClientIP',
  })
  for (const selector of [
    named('PodDisruptionBudget').spec?.selector,
    named('NetworkPolicy').spec?.podSelector,
    named('StatefulSet').spec?.selector,
  ])
    expect(selector).toEqual({ matchLabels: labels })
  expect(named('StatefulSet').spec?.serviceName).toBe(named('Service', 'ocbroker-http').metadata?.name)
})

test('the configuration is right, and each secret is one of the command that makes them', async () => {
  const text = read('broker.yaml')
  const secrets = [...text.matchAll(new RegExp(`${SECRETS}(\\w+)`, 'g'))].map(([, name = '']) => name)
  const made = [...read('kustomization.yaml').matchAll(/--from-file=(\w+)/g)].map(([, name]) => name)
  expect(made.sort()).toEqual([...secrets].sort())
  const loaded = await load(text.replaceAll(SECRETS, ''), (folder) => {
    const contents: Readonly<Record<string, string>> = {
      postgres_url: 'postgres://ocbroker:a-password@postgres/ocbroker?sslmode=verify-full',
      seed_key: `one:${Buffer.alloc(32, 1).toString('base64')}`,
      postgres_ca: '-----BEGIN CERTIFICATE-----',
      redis_ca: '-----BEGIN CERTIFICATE-----',
    }
    for (const name of secrets)
      writeFileSync(folder.file(name), `${contents[name] ?? 'a-secret-of-good-length'}\n`, { mode: 0o600 })
  })
  if ('faults' in loaded) throw new Error(JSON.stringify(loaded.faults))
  expect(loaded.warnings).toEqual([])
  const { redis, http } = loaded.config
  expect([redis?.brokers, http?.port]).toEqual([named('StatefulSet').spec?.replicas, 8080])
})

describeWith(['kubectl'], 'kubectl', () => {
  test('puts the manifests together, with the configuration and the image’s place', async () => {
    const built = documents(await outputOf(thisMachine, 'kubectl', ['kustomize', FOLDER]))
    expect(built).toHaveLength(objects.length + 1)
    for (const each of built) expect(each.metadata?.namespace).toBe('ocbroker')
    const text = JSON.stringify(built)
    expect(text).toContain('"image":"registry.example.org/ocbroker:')
    const config = built.find(({ kind }) => `${kind}` === 'ConfigMap')
    expect(config?.data?.['broker.yaml']).toBe(read('broker.yaml'))
    // Its name has a digest, and the pods mount that one.
    expect(text).toContain(`"configMap":{"name":"${config?.metadata?.name}"}`)
  })
})
