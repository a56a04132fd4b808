import { expect, onTestFinished, test } from 'vitest'
import { corpForTest } from '../identity/corp.ts'
import { describeWith } from '../real/needs.ts'
import { PEOPLE, person, SLAPD_NEEDS, startSlapd } from '../real/slapd.ts'

describeWith([...SLAPD_NEEDS, 'root'], 'a directory by its Unix socket', () => {
  test('knows the broker by its account (SASL EXTERNAL), and checks passwords', async () => {
    const slapd = await startSlapd({
      entries: [person('bob', 'right')],
      config: {
        // Nobody else may read anything.
        database: [
          'access to * by dn.exact="gidNumber=0+uidNumber=0,cn=peercred,cn=external,cn=auth" read by * auth',
        ],
      },
    })
    onTestFinished(slapd.stop)
    const open = (url: string) => corpForTest({ urls: [url], user_base: PEOPLE })
    const socket = open(`ldapi://${encodeURIComponent(slapd.folder.file('socket'))}`)
    expect(await socket.login('bob', 'right')).toMatchObject({ kind: 'right' })
    expect(await socket.login('bob', 'wrong')).toMatchObject({ kind: 'wrong' })
    // By TCP it is nobody.
    await expect(open(slapd.url).login('bob', 'right')).rejects.toThrow('insufficient access rights')
  })

  test('that is not there is an outage', async () => {
    const corp = corpForTest({ urls: ['ldapi://%2Fnowhere%2Fldapi'], user_base: PEOPLE })
    await expect(corp.login('bob', 'right')).rejects.toThrow(/ENOENT|no such/i)
  })
})
