import { globSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { readContract } from '../../src/http/contract.ts'
import { configOf, faultOf, GATEWAY } from './loading.ts'

const at = (url: string) => `${GATEWAY}http: {}\nportal: { public_url: "${url}" }\n`

test('the address of the pages is a host, or a host and a path', async () => {
  for (const [written, meant] of [
    ['https://vpn.example.org', 'https://vpn.example.org'],
    ['https://VPN.example.org:8443/', 'https://vpn.example.org:8443'],
    ['https://www.example.org/vpn', 'https://www.example.org/vpn'],
    ['https://www.example.org/a/b.c/', 'https://www.example.org/a/b.c'],
  ] as const)
    expect((await configOf(at(written))).portal.publicUrl).toBe(meant)
})

test('an address with more is refused', async () => {
  for (const written of [
    'https://vpn.example.org/?a=b',
    'https://vpn.example.org/vpn#top',
    'https://user:word@vpn.example.org/',
    'https://vpn.example.org//vpn',
    "https://vpn.example.org/v'pn",
    'ftp://vpn.example.org',
    'vpn.example.org',
  ])
    expect([written, (await faultOf(at(written))).path]).toEqual([written, 'portal.public_url'])
})

test('no path of the broker’s own can be the path of its pages', async () => {
  const own = [...readContract().operations.map(({ path }) => path), '/assets', '/desk', '/docs']
  for (const file of globSync('src/web/portal/*.ts'))
    own.push(
      ...[...readFileSync(file, 'utf8').matchAll(/\brouter\.\w+\([`'](\/[\w-]+)/g)].map(
        ([, path = '']) => path,
      ),
    )
  expect(own.length).toBeGreaterThan(40)
  for (const root of new Set(own.map((path) => `/${path.split('/')[1]}`)))
    expect(await faultOf(at(`https://vpn.example.org${root}`))).toMatchObject({
      problem: expect.stringContaining("a path of the broker's own"),
    })
})
