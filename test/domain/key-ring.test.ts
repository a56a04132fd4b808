import { describe, expect, it } from 'vitest'
import { CannotOpen, KeyRing } from '../../src/domain/key-ring.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { Secret } from '../../src/domain/secret.ts'

const key = (id: string) => ({ id, key: new Secret(systemRandom.bytes(32)) })
const [old, current] = [key('2025'), key('2026')]
const seed = new Secret('a seed of twenty oct')

describe('the key ring', () => {
  const ring = new KeyRing([current, old], systemRandom)

  it('opens what it sealed, and seals the same value differently each time', () => {
    const sealed = ring.seal(seed, 'bob')
    expect(ring.open(sealed, 'bob').equals(seed)).toBe(true)
    expect(ring.seal(seed, 'bob')).not.toBe(sealed)
    expect(sealed).not.toContain('seed')
  })

  it('opens what an older key of the ring sealed', () => {
    const sealed = new KeyRing([old], systemRandom).seal(seed, 'bob')
    expect(ring.open(sealed, 'bob').equals(seed)).toBe(true)
  })

  it('does not open a value that was moved to another user', () => {
    expect(() => ring.open(ring.seal(seed, 'bob'), 'eve')).toThrow(CannotOpen)
  })

  it('does not open a value with any octet changed, or one cut short', () => {
    const [id, body = ''] = ring.seal(seed, 'bob').split('.')
    const octets = Buffer.from(body, 'base64url')
    for (let at = 0; at < octets.length; at += 1) {
      const changed = Buffer.from(octets)
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at)
      expect(() => ring.open(`${id}.${changed.toString('base64url')}`, 'bob')).toThrow(CannotOpen)
      expect(() => ring.open(`${id}.${octets.subarray(0, at).toString('base64url')}`, 'bob')).toThrow(
        CannotOpen,
      )
    }
  })

  it('names a key that it lacks', () => {
    const sealed = ring.seal(seed, 'bob')
    expect(() => new KeyRing([old], systemRandom).open(sealed, 'bob')).toThrow(/2026/)
  })

  it('derives a ring for each purpose, which opens and signs for that purpose alone', () => {
    const [one, same, another] = ['challenges', 'challenges', 'sessions'].map((each) => ring.derive(each))
    if (one === undefined || same === undefined || another === undefined) return expect.unreachable()
    const sealed = one.seal(seed, 'bob')
    expect(same.open(sealed, 'bob').equals(seed)).toBe(true)
    for (const other of [another, ring]) expect(() => other.open(sealed, 'bob')).toThrow(CannotOpen)
    expect(new Set([one, same, another, ring].map((each) => each.sign('text')))).toHaveProperty('size', 3)
    expect(one.sign('text')).not.toBe(one.sign('Text'))
  })

  it('derives from its older keys, too', () => {
    const sealed = new KeyRing([old], systemRandom).derive('challenges').seal(seed, 'bob')
    expect(ring.derive('challenges').open(sealed, 'bob').equals(seed)).toBe(true)
  })
})
