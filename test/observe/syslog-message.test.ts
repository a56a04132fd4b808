import { expect, test } from 'vitest'
import type { AuditEvent } from '../../src/domain/audit.ts'
import { syslogMessage } from '../../src/observe/sinks/syslog-message.ts'

const EVENT: AuditEvent = {
  id: '01a22bec-c7cb-7680-bce1-574480aaea1c',
  at: Date.UTC(2026, 0, 2, 3, 4, 5, 6),
  kind: 'lockout.made',
  user: '张伟',
  address: '2001:db8::7',
  detail: 'too many "wrong" codes\u2028]',
}
const FORM = { facility: 'authpriv', hostname: 'broker 1', names: 'json' } as const

test('a message has the form of RFC 5424, in ASCII, and the event in JSON', () => {
  const message = syslogMessage(EVENT, FORM)
  // authpriv is 10, warning is 4.
  const head = '<84>1 2026-01-02T03:04:05.006Z broker1 ocbroker - lockout.made - '
  expect(message.slice(0, head.length)).toBe(head)
  expect(message).toMatch(/^[ -~]*$/)
  const { at, ...rest } = EVENT
  expect(JSON.parse(message.slice(head.length))).toEqual({ at: new Date(at).toISOString(), ...rest })
})

test('a datagram goes without the steps, then with a shorter detail', () => {
  const steps = 'x'.repeat(1000)
  const short = syslogMessage({ ...EVENT, steps }, FORM, 800)
  expect(short).not.toContain('steps')
  expect(short).toContain('codes')
  const cut = syslogMessage({ ...EVENT, detail: 'd'.repeat(3000), steps }, FORM, 800)
  expect(cut.length).toBeLessThanOrEqual(800)
  expect(JSON.parse(cut.slice(cut.indexOf('{'))).detail).toMatch(/^d{100,}$/)
})

test('the names of the Elastic Common Schema tell who acts from whom it concerns', () => {
  const event: AuditEvent = { ...EVENT, kind: 'user.removed', actor: 'root', reason: 'left' }
  const message = syslogMessage(event, { ...FORM, names: 'ecs' })
  expect(JSON.parse(message.slice(message.indexOf('{')))).toEqual({
    '@timestamp': '2026-01-02T03:04:05.006Z',
    'log.level': 'notice',
    message: EVENT.detail,
    'ecs.version': '8.11.0',
    'event.kind': 'event',
    'event.dataset': 'ocbroker',
    'event.action': 'user.removed',
    'event.id': EVENT.id,
    'event.category': ['iam'],
    'event.type': ['user', 'deletion'],
    'event.reason': 'left',
    'user.name': 'root',
    'user.target.name': '张伟',
    'source.address': '2001:db8::7',
    'source.ip': '2001:db8::7',
    'ocbroker.detail': EVENT.detail,
  })
})
