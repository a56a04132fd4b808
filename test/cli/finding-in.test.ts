import { globSync, readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseAst } from 'vitest/node'
import chinese from '../../locales/doctor.zh-CN.json' with { type: 'json' }
import { newFindingText, translated } from '../../src/cli/finding-in.ts'
import { fault } from '../../src/doctor/finding.ts'

const SOURCE = join(import.meta.dirname, '../../src')
const FILES = [
  'doctor/**/*.ts',
  'cli/doctor-*.ts',
  'cli/radius-client.ts',
  'domain/drop-remedies.ts',
  'redis/settings-check.ts',
  'mail/faults.ts',
]
const FINDINGS = ['ok', 'hint', 'warning', 'fault', 'notApplicable', 'miss']
/** Commands, lines of files, keys and words of programs: they are the same in every language. */
const FOR_PROGRAMS: readonly RegExp[] = [
  /^(?:chmod \d|chgrp |chown |mkdir |install |while |nft insert |ocserv -t |chronyc |systemctl start ocserv;)/,
  /^ocbroker (?:reload|doctor --only \{0\})$/,
  /^[a-z\d-]+ = [^ ]+$/,
  /^(?:auth|acct|tls-priorities) = "/,
  /^(?:acctserver|authserver|servers|dictionary|radius_timeout|radius_retries|nas-identifier|\$INCLUDE) \S+$/,
  /^(?:maxmemory-policy noeviction|appendonly yes|Not synchronised|DTLS cipher|Connected at)$/,
  /^(?:radius\.address|probe|radcli|addresses|secret \{0\}) \{\d\}$/,
  /^(?:config_file|tls-key-file|radius_retries|login_timeout) .* /,
  /^ of \[vhost:/,
  /^(?:broker|MAIL FROM|server-cert|radiusclient\.conf|radius_timeout|dictionary|default_realm|authserver)$/,
]
/** Thrown in place of findings, for a call that is wrong. */
const OF_THE_CALL =
  /^(?:say with --name|--as|there is no check|cannot look as|\{0\} cannot be read: |\{0\} is not what )/

interface CodeText {
  /** With `{0}`, `{1}` … for its values. */
  readonly text: string
  /** It is a whole text of a finding. */
  readonly isArgument: boolean
}

/** The texts in the code, without those of types and imports. */
function textsOf(code: string): readonly CodeText[] {
  const found: CodeText[] = []
  const add = (text: string, isArgument: boolean) => found.push({ text: text.replace(/^; /, ''), isArgument })
  const visit = (node: unknown, isArgument = false): void => {
    if (Array.isArray(node)) for (const each of node) visit(each, isArgument)
    if (typeof node !== 'object' || node === null || Array.isArray(node)) return
    const { type, value, quasis, callee, ...rest } = node as Readonly<Record<string, unknown>>
    if (type === 'ImportDeclaration') return
    if (type === 'Literal' && typeof value === 'string') add(value, isArgument)
    if (type === 'TemplateLiteral') {
      const parts = (quasis as readonly { readonly value: { readonly cooked: string } }[]).map(
        (each) => each.value.cooked,
      )
      add(
        parts.reduce((text, part, index) => `${text}{${index - 1}}${part}`),
        false,
      )
    }
    const isFinding = FINDINGS.includes(String((callee as { name?: unknown } | undefined)?.name))
    const { arguments: given, ...others } = rest
    visit(callee)
    visit(given, isFinding)
    visit(typeof value === 'object' ? value : undefined)
    for (const each of Object.values(others)) visit(each)
  }
  visit(parseAst(stripTypeScriptTypes(code)))
  return found
}

const inCode = FILES.flatMap((pattern) => globSync(pattern, { cwd: SOURCE })).flatMap((file) =>
  textsOf(readFileSync(join(SOURCE, file), 'utf8')),
)

describe('the findings in Chinese', () => {
  test('have a text for each that a check can say', () => {
    const said = inCode.filter(
      ({ text, isArgument }) =>
        (isArgument || /[a-z}:] .*[a-z{]/i.test(text)) && /[a-z]{2}/i.test(text.replaceAll(/\{\d\}/g, '')),
    )
    expect(said.length).toBeGreaterThan(300)
    const missing = said.filter(
      ({ text }) =>
        !(text in chinese) && !OF_THE_CALL.test(text) && !FOR_PROGRAMS.some((pattern) => pattern.test(text)),
    )
    expect(missing.map(({ text }) => text)).toEqual([])
  })

  test('have no text that no check says', () => {
    const said = new Set(['FAULT', '-', ': ', ...inCode.map(({ text }) => text)])
    expect(Object.keys(chinese).filter((english) => !said.has(english))).toEqual([])
  })

  test('keep every value', () => {
    const places = (text: string) => [...new Set(text.match(/\{\d\}/g))].toSorted()
    for (const [english, text] of Object.entries(chinese)) expect(places(text), text).toEqual(places(english))
  })

  test('are recognised with their values', () => {
    const text = newFindingText(chinese)
    const filled = (pattern: string) => pattern.replaceAll(/\{(\d)\}/g, 'X$1')
    for (const [english, shown] of Object.entries(chinese)) expect(text(filled(english))).toBe(filled(shown))
  })

  test.each([
    [
      'every login from 192.0.2.1 is dropped: wrong secret; 3 times since 2030-01-01T00:00:00.000Z, last 2030-01-02T00:00:00.000Z',
      '来自 192.0.2.1 的所有登录请求都被丢弃：共享密钥错误；自 2030-01-01T00:00:00.000Z 起共 3 次，最近一次 2030-01-02T00:00:00.000Z',
    ],
    [
      'no broker of this configuration runs; nc (pid 77) holds the port',
      '使用此配置的 broker 没有运行；端口被 nc（pid 77）占用',
    ],
    [
      'line 3 of /etc/radcli/servers is not the secret of this gateway; the quotes count as a part of it; no line is for 192.0.2.9, so the last one counts',
      '/etc/radcli/servers 第 3 行不是此网关的共享密钥；引号会被当作密钥的一部分；没有针对 192.0.2.9 的行，因此以最后一行为准',
    ],
    [
      'drops udp port 443 (chain inet filter input): clients stay on TCP, which is slow ("DTLS in progress")',
      '丢弃 udp 端口 443 的流量（链 inet filter input）：客户端只能使用较慢的 TCP（"DTLS in progress"）',
    ],
    [
      'is 10.0.0.2 here, and the broker knows gw1 by 10.0.0.1: it drops every request',
      '在本机为 10.0.0.2，而 broker 中 gw1 的地址为 10.0.0.1：broker 会丢弃所有请求',
    ],
    [
      'has a clock 94 s ahead of the one here: one of the two refuses right codes',
      '时钟比本机快 94 秒：其中一台会拒绝正确的验证码',
    ],
    ['sessions hold 9 of 10 addresses', '会话占用 9 个，共 10 个地址'],
    ['ENOENT: no such file, open in the folder', 'ENOENT: no such file, open in the folder'],
    ['connect refused; try again', 'connect refused; try again'],
  ])('put “%s” together', (english, shown) => {
    expect(newFindingText(chinese)(english)).toBe(shown)
  })

  test('keep id and verdict', () => {
    const finding = { id: 'clock', ...fault('clock', 'is not synchronised') }
    expect(translated(finding, newFindingText(chinese))).toEqual({
      ...{ id: 'clock', verdict: 'fault' },
      ...{ about: '时钟', cause: '未同步' },
    })
  })

  test('take no time for what a stranger sends', () => {
    const text = newFindingText(chinese)
    const began = performance.now()
    for (const part of ['; ', ' (', ' is dropped: ', ' of ', ' in ', ': '])
      expect(text(`every login from ${`x${part}`.repeat(2000)}`)).toContain('x')
    expect(performance.now() - began).toBeLessThan(2000)
  })
})
