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
  for (const file of globSync('src/web/{portal,layout}/*.ts'))
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

test('whom to ask can be written into links as it stands', async () => {
  const help = { text: 'Service desk', mail: 'help@example.org', telephone: '+49 69 555 0100' }
  const written = (part: object) => `${GATEWAY}http: {}\nportal: { help: ${JSON.stringify(part)} }\n`
  expect((await configOf(written(help))).portal.help).toEqual(help)
  for (const [part, value] of [
    ['mail', 'help'],
    ['mail', 'a@example.org?bcc=b@example.org'],
    ['mail', 'a@example.org,b@example.org'],
    ['telephone', 'ask me'],
    ['telephone', '555;ext=1'],
    ['text', 'a\u202eb'],
  ] as const)
    expect([part, (await faultOf(written({ [part]: value }))).path]).toEqual([part, `portal.help.${part}`])
})
