// Chromium for the tests of the page: without one that is named in the output, and is a failure under CI=true.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { chromium } from 'playwright-core'
import { findBrowser, has } from '../support/programs.mjs'
import { within } from '../support/within.mjs'

const executablePath = findBrowser()

/**
 * `body({ visit, said })` declares tests. `visit(url, options)` opens a page of its own, of so many pixels, and waits until it shows streams; what the consoles of all of them say goes to `said`, which is
 * empty in the end.
 */
export function describePages(title, body) {
  if (executablePath === undefined) {
    test('there is a browser', (context) => {
      assert.equal(has(context, executablePath, 'Chromium'), false)
    })
    return
  }
  describe(title, () => {
    let browser
    const said = []
    before(async () => {
      browser = await within(60_000, chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] }), 'the browser')
    })
    after(() => browser?.close())

    async function visit(url, { width = 1440, height = 900, colorScheme = 'light', bypassCSP = false, prepare = () => {}, ...more } = {}) {
      const context = await browser.newContext({ viewport: { width, height }, colorScheme, bypassCSP, ...more })
      const page = await context.newPage()
      page.setDefaultTimeout(30_000)
      page.on('console', (message) => said.push(`${message.type()}: ${message.text()}`))
      page.on('pageerror', (error) => said.push(String(error)))
      await prepare(page)
      await page.goto(`${url}/dashboard/`)
      await page.waitForSelector('#link[data-state=live]')
      await page.waitForSelector('.rows .row:not(.empty)')
      return page
    }
    body({ visit, said })
    test('the console has said nothing', () => {
      assert.deepEqual(said, [])
    })
  })
}
