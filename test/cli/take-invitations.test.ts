import { expect, test } from 'vitest'
import type { InvitationOutput } from '../../src/cli/invitation-outputs.ts'
import { takeInvitations } from '../../src/cli/take-invitations.ts'
import type { Invited } from '../../src/manage/inviting-many.ts'

async function* invited(...names: readonly string[]): AsyncGenerator<Invited> {
  for (const name of names) yield { name, subject: name, code: 'abcd', until: 0 }
}

const options = { json: true, isShown: true, notes: [] }

test('says whose code is lost where an output takes no more, and ends the others', async () => {
  const taken: string[] = []
  let isEnded = false
  const whole: InvitationOutput = {
    name: 'whole',
    take: async ({ name }) => void taken.push(name),
    end: async () => {
      isEnded = true
    },
  }
  const full: InvitationOutput = {
    name: 'full',
    async take({ name }) {
      if (name === 'ben') throw new Error('no space left on device')
    },
    end: async () => {},
  }
  await expect(takeInvitations(invited('anna', 'ben', 'cleo'), [whole, full], options)).rejects.toThrow(
    'stopped after 1 user: no space left on device; the code of ben is lost: invite this user again',
  )
  expect(taken).toEqual(['anna', 'ben'])
  expect(isEnded).toBe(true)
})

test('stops before more codes than a terminal can show', async () => {
  const names = Array.from({ length: 60 }, (_, number) => `user${number}`)
  const shown: string[] = []
  const terminal: InvitationOutput = {
    name: 'terminal',
    take: async ({ name }) => void shown.push(name),
    end: async () => {},
  }
  await expect(takeInvitations(invited(...names), [terminal], options)).rejects.toThrow(
    'stopped after 50 users: no more codes than 50 are shown at once; write --csv or --sheets',
  )
  expect(shown).toHaveLength(50)
})
