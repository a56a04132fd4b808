import { expect, onTestFinished, test } from 'vitest'
import { ask } from '../http/ask.ts'
import { startTestBroker } from '../http/test-broker.ts'
import { BROWSER_NEEDS, startChromium } from '../real/chromium.ts'
import { describeWith } from '../real/needs.ts'

describeWith(BROWSER_NEEDS, 'the documentation of the API', () => {
  test('is shown by the broker alone, under its strict policy, and can be tried with a token', async () => {
    const fixture = await startTestBroker()
    const token = await fixture.token()
    const browser = await startChromium()
    onTestFinished(browser.close)
    const { page, complaints, leave } = await browser.visit(fixture.url)
    onTestFinished(leave)
    await page.goto(`${fixture.url}/docs/`)
    await page.locator('#operations-lockouts-listLockouts').waitFor()
    expect(await page.locator('.opblock').count()).toBeGreaterThan(25)

    await page.locator('.authorize').first().click()
    await page.locator('.auth-container input').first().fill(token)
    await page.locator('.auth-container button[type=submit]').first().click()
    await page.locator('.btn-done').first().click()
    const operation = page.locator('#operations-service-getMe')
    await operation.locator('.opblock-summary').click()
    await operation.locator('.try-out__btn').click()
    await operation.locator('.execute').click()
    await expect.poll(() => operation.locator('.live-responses-table').innerText()).toContain('200')
    expect(await operation.locator('.live-responses-table').innerText()).toContain('lockouts:write')
    expect(complaints()).toEqual([])
  })
})

test('the documentation is there without its last slash, and for allowed addresses alone', async () => {
  const fixture = await startTestBroker({ http: { allow: '127.0.0.1' } })
  expect((await ask(`${fixture.url}/docs`)).status).toBe(200)
  const { headers, text } = await ask(`${fixture.url}/docs/openapi.yaml`)
  expect(headers['content-type']).toMatch(/^application\/yaml/)
  expect(text).toMatch(/^openapi: 3\.1\.0\n/)
  for (const path of ['/docs', '/docs/', '/docs/openapi.yaml', '/docs/swagger-ui-bundle.js'])
    expect((await ask(fixture.url + path, { from: '127.0.0.2' })).status).toBe(403)
})
