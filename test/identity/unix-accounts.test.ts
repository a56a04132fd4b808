import { renameSync, writeFileSync } from 'node:fs'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { UnixAccounts } from '../../src/identity/pam/unix-accounts.ts'
import { type TemporaryFolder, temporaryFolder } from '../real/folder.ts'

const PASSWD = `root:x:0:0:root:/root:/bin/bash
# a comment

bob:x:1000:100::/home/bob:/bin/sh
eve:x:1001:4711::/home/eve:/bin/sh
bob:x:1002:0::/:/bin/sh
torn
`
const GROUP = 'root:x:0:\nusers:x:100:\nvpn:x:200:bob,eve\nstaff:x:201:eve\nempty:x:202:\nusers:x:203:bob\n'

describe('system accounts', () => {
  let folder: TemporaryFolder
  let accounts: UnixAccounts

  beforeEach(() => {
    folder = temporaryFolder('accounts')
    onTestFinished(folder.remove)
    const files = { passwdFile: folder.file('passwd'), groupFile: folder.file('group') }
    writeFileSync(files.passwdFile, PASSWD)
    writeFileSync(files.groupFile, GROUP)
    accounts = new UnixAccounts(files)
  })

  it('have the group that passwd names and the groups that list them', async () => {
    expect(await accounts.groupsOf('bob')).toEqual(['users', 'vpn'])
    expect(await accounts.groupsOf('root')).toEqual(['root'])
  })

  it('may have a group of their own that no line names', async () => {
    expect(await accounts.groupsOf('eve')).toEqual(['vpn', 'staff'])
  })

  it.each(['mallory', '', 'torn', '# a comment', '__proto__'])('do not hold %j', async (name) => {
    expect(await accounts.groupsOf(name)).toBeUndefined()
  })

  it('are read again when a file was replaced', async () => {
    await accounts.groupsOf('bob')
    writeFileSync(folder.file('new'), GROUP.replace('staff:x:201:eve', 'staff:x:201:bob'))
    renameSync(folder.file('new'), folder.file('group'))
    expect(await accounts.groupsOf('bob')).toEqual(['users', 'vpn', 'staff'])
  })

  it('fail while a file is missing, and are there again with it', async () => {
    renameSync(folder.file('group'), folder.file('away'))
    await expect(accounts.groupsOf('bob')).rejects.toThrow('ENOENT')
    renameSync(folder.file('away'), folder.file('group'))
    expect(await accounts.groupsOf('bob')).toEqual(['users', 'vpn'])
  })
})
