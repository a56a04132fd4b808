import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { promptOf } from '../../src/identity/radius/prompt.ts'

const promptOfTexts = (...texts: string[]) => promptOf(texts)

describe("an upstream server's prompt", () => {
  it('is shown as it came where ocserv can show it', () => {
    expect(promptOfTexts('Enter the code from your app.')).toBe('Enter the code from your app.')
    expect(promptOfTexts('请输入验证码')).toBe('请输入验证码')
  })

  it('has nothing in it that XML would stumble over', () => {
    expect(promptOfTexts('Enter <code> & press "OK"')).toBe('Enter (code) + press "OK"')
  })

  it("does not begin as ocserv's own question does", () => {
    expect(promptOfTexts('Password: the second one')).toBe('Password the second one')
    expect(promptOfTexts(' \r\npassword :')).toBe('password')
    expect(promptOfTexts('Your Password: again')).toBe('Your Password: again')
  })

  it('is one line, of all messages', () => {
    expect(promptOfTexts('First.\r\n', '\tSecond.\0')).toBe('First. Second.')
  })

  it('is absent where there is nothing to show', () => {
    expect(promptOfTexts()).toBeUndefined()
    expect(promptOfTexts('', ' \n')).toBeUndefined()
  })

  it('is cut between two characters where it is too long', () => {
    expect(promptOfTexts('密'.repeat(100))).toBe('密'.repeat(84))
  })

  it('can be shown whatever the server sent', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 253 }), { maxLength: 4 }), (messages) => {
        const prompt = promptOf(messages.map((message) => Buffer.from(message).toString('utf8')))
        if (prompt === undefined) return
        expect(prompt).not.toMatch(/[&<>\p{Cc}]|^password\s*:/iu)
        expect(prompt).not.toBe('')
        expect(Buffer.byteLength(prompt)).toBeLessThanOrEqual(253)
      }),
    )
  })
})
