import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { askSaslauthd } from '../../src/identity/pam/saslauthd.ts'
import { temporaryFolder } from '../real/folder.ts'

const QUESTION = { login: 'bob', password: Buffer.from('ü'), service: 'vpn', realm: '' }

/** A daemon that does as it is told with each connection, and keeps what it heard. */
async function daemon(serve: (connection: Socket) => void) {
  const folder = temporaryFolder('mux')
  const heard: Buffer[] = []
  const server = createServer((connection) => {
    connection.on('error', () => {})
    connection.on('data', (chunk: Buffer) => {
      heard.push(chunk)
      serve(connection)
    })
  })
  server.listen(folder.file('mux'))
  await once(server, 'listening')
  onTestFinished(async () => {
    server.close()
    await folder.remove()
  })
  return {
    ask: (patienceMs = 2000) => askSaslauthd(folder.file('mux'), QUESTION, patienceMs),
    heard: () => Buffer.concat(heard),
  }
}

describe("saslauthd's protocol", () => {
  it('is four strings with their lengths, answered by one', async () => {
    const { ask, heard } = await daemon((connection) => connection.end('\0\x02OK'))
    expect(await ask()).toBe('OK')
    expect(heard().toString('latin1')).toBe('\0\x03bob\0\x02Ã¼\0\x03vpn\0\0')
  })

  it('takes a reply that comes octet by octet', async () => {
    const { ask } = await daemon((connection) => {
      for (const [at, octet] of Buffer.from('\0\x05NO no').entries()) {
        setTimeout(() => connection.write(Buffer.from([octet])), at * 3)
      }
      setTimeout(() => connection.end(), 40)
    })
    expect(await ask()).toBe('NO no')
  })

  it.each([
    ['', 'the connection ended without a reply'],
    ['\0', 'a reply whose length is not the one that it states'],
    ['\0\x02O', 'a reply whose length is not the one that it states'],
    ['\0\x12OK', 'a reply whose length is not the one that it states'],
    ['\0\x02OK\0\x02NO', 'a reply whose length is not the one that it states'],
    ['\0\x04OKAY', 'a reply that is neither OK nor NO'],
    ['\0\x02ok', 'a reply that is neither OK nor NO'],
    ['\0\0', 'a reply that is neither OK nor NO'],
    ['OK', 'a reply whose length is not the one that it states'],
  ])('believes nothing of %j', async (octets, problem) => {
    const { ask } = await daemon((connection) => connection.end(octets, 'latin1'))
    await expect(ask()).rejects.toThrow(problem)
  })

  it('does not believe an OK before the reply has come to its end', async () => {
    const { ask } = await daemon((connection) => connection.write('\0\x02OK'))
    await expect(ask(100)).rejects.toThrow('no answer within 100 ms')
  })

  it('does not read without end', async () => {
    const { ask } = await daemon((connection) => connection.write(Buffer.alloc(5000, 'x')))
    await expect(ask()).rejects.toThrow('a reply of over 1024 octets')
  })

  it('is over when the daemon cuts the connection', async () => {
    const { ask } = await daemon((connection) => connection.destroy())
    await expect(ask()).rejects.toThrow()
  })
})
