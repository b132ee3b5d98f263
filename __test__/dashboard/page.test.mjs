// The dashboard in Chromium: it loads, updates, sorts, searches and aborts; what streams say of themselves stays text; its policy holds; axe finds nothing. Pictures of it go to artifacts/dashboard.

import assert from 'node:assert/strict'
import { mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { streamFn } from 'velo-stream'
import { deferred } from '../support/deferred.mjs'
import { leftover } from '../support/leftovers.mjs'
import { within } from '../support/within.mjs'
import { describePages } from './browser.mjs'
import { served, waiting } from './support.mjs'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const artifacts = fileURLToPath(new URL('../../artifacts/dashboard/', import.meta.url))
const MARKUP = '<img src=x onerror="globalThis.hacked=1"><script>hacked=1</script>'

describePages('the page', ({ visit, said }) => {
  let made
  before(async () => {
    mkdirSync(artifacts, { recursive: true })
    waiting(120, 'session')
    made = await served({ readOnly: false })
  })
  const opened = (options) => visit(made.url, options)
  const rowIs = (page, index, id) => page.locator(`.rows .row[data-index="${index}"] .id`, { hasText: id }).waitFor()
  const firstIs = (page, id) => rowIs(page, 0, id)

  test('updates: the table and the charts follow what streams do', async () => {
    const [stream] = waiting(1, 'busy')
    const page = await opened()
    await page.fill('#search', 'busy-0')
    await firstIs(page, 'busy-0')
    await stream.send(1)
    await stream.recv()
    await page.locator('.rows .row .eventsIn', { hasText: /^1$/ }).waitFor()
    await page.locator('.card', { hasText: 'Throughput' }).locator('canvas').waitFor()
    assert.match(await page.textContent('#count'), /^1 of 12\d live$/)
    assert.match(await page.title(), /^\d+ open - /)
    await page.close()
  })

  test('sorts by a column, both ways, and filters', async () => {
    const page = await opened()
    await page.fill('#search', 'session-')
    await page.click('.heads .id button')
    // By their ids as texts, not as numbers.
    for (const [index, id] of [/^session-0$/, /^session-1$/, /^session-10$/].entries()) await rowIs(page, index, id)
    assert.equal(await page.getAttribute('.heads .id', 'aria-sort'), 'ascending')
    await page.click('.heads .id button')
    await firstIs(page, 'session-99')
    await page.fill('#search', 'session-42')
    await firstIs(page, 'session-42')
    await page.locator('.rows .row').nth(1).waitFor({ state: 'detached' })
    await page.selectOption('#waiting', 'journal')
    await page.locator('text=No stream to show.').waitFor()
    await page.close()
  })

  test('has few rows however many streams there are, and finds those far down', async () => {
    const page = await opened({ height: 700 })
    await page.fill('#search', 'session-')
    await page.click('.heads .id button')
    await firstIs(page, 'session-0')
    await page.focus('#grid')
    await page.keyboard.press('End')
    await rowIs(page, 119, 'session-99')
    assert.ok((await page.locator('.rows .row').count()) < 60)
    await page.keyboard.press('Enter')
    await page.locator('#detail-title', { hasText: 'session-99' }).waitFor()
    await page.keyboard.press('Escape')
    await page.waitForSelector('#detail', { state: 'hidden' })
    assert.equal(await page.evaluate(() => document.activeElement.id), 'grid')
    await page.close()
  })

  test('aborts a stream when it is asked twice', async () => {
    const [stream] = waiting(1, 'unwanted')
    const page = await opened()
    await page.fill('#search', 'unwanted-0')
    await firstIs(page, 'unwanted-0')
    await page.click('.rows .row')
    await page.locator('.changes li').first().waitFor()
    await page.click('text=Abort ...')
    await page.click('text=Keep it')
    await page.click('text=Abort ...')
    assert.notEqual(stream.state, 'closed')
    await page.click('text=Abort it')
    assert.equal((await within(30_000, stream.closed, 'the end')).reason, 'aborted')
    await page.locator('text=It was aborted.').waitFor()
    await page.locator('text=It is over.').waitFor()
    await page.close()
  })

  test('goes on when its process is not there for a while', async () => {
    const page = await opened()
    await page.context().setOffline(true)
    made.cut()
    await page.waitForSelector('#link[data-state=lost]')
    await page.context().setOffline(false)
    await page.waitForSelector('#link[data-state=live]')
    await page.keyboard.press('p')
    await page.waitForSelector('#link[data-state=paused]')
    assert.equal(await page.getAttribute('#pause', 'aria-pressed'), 'true')
    // What the browser says of a connection that fails is no mistake of the page.
    said.splice(0, said.length, ...said.filter((line) => !line.includes('net::ERR_INTERNET_DISCONNECTED')))
    await page.close()
  })

  test('what streams say of themselves stays text', async () => {
    const stuck = waitingFor(MARKUP)
    const page = await opened()
    await page.fill('#search', 'onerror')
    await firstIs(page, 'onerror')
    await page.click('.rows .row')
    await page.locator('.facts dd', { hasText: MARKUP }).first().waitFor()
    assert.equal(await page.textContent('#detail-title'), MARKUP)
    assert.equal(await page.locator('.rows img, #detail img, .rows script, #detail script').count(), 0)
    // A function that does not stop is on its way out with an error of whatever text.
    stuck.stream.abort(new Error(MARKUP))
    await page.locator('.facts dt', { hasText: 'Last error' }).waitFor()
    assert.equal(await page.evaluate(() => globalThis.hacked), undefined)
    await stuck.letGo()
    await page.close()
  })

  test('its policy keeps it from running what is not its own', async () => {
    const page = await opened()
    const refused = await page.evaluate(async () => {
      const seen = []
      document.addEventListener('securitypolicyviolation', ({ effectiveDirective }) => seen.push(effectiveDirective))
      const attempt = (what) => {
        try {
          what()
        } catch {
          seen.push('thrown')
        }
      }
      attempt(() => {
        document.body.innerHTML += '<b>markup</b>'
      })
      const script = document.createElement('script')
      attempt(() => {
        script.text = 'globalThis.hacked = 1'
        document.body.append(script)
      })
      await fetch('http://127.0.0.2:9/').catch(() => seen.push('fetch'))
      return { seen, hacked: globalThis.hacked }
    })
    assert.equal(refused.hacked, undefined)
    for (const one of ['thrown', 'fetch']) assert.ok(refused.seen.includes(one), String(refused.seen))
    said.length = 0
    await page.close()
  })

  for (const [name, options] of [
    ['light', {}],
    ['dark', { colorScheme: 'dark' }],
    ['phone', { width: 360, height: 780, isMobile: true, hasTouch: true }],
    ['phone-dark', { width: 360, height: 780, colorScheme: 'dark', reducedMotion: 'reduce' }],
  ]) {
    test(`${name}: axe finds nothing, nothing is cut off, and there is a picture`, async () => {
      // axe is a script of its own, which the policy of the page would not let in.
      const page = await opened({ ...options, bypassCSP: true })
      await page.addScriptTag({ content: axe })
      await page.locator('canvas').first().waitFor()
      const look = async () => {
        const { violations } = await page.evaluate(() => globalThis.axe.run())
        assert.deepEqual(
          violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`)),
          [],
        )
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'it is as wide as the screen')
      }
      await look()
      await page.screenshot({ path: `${artifacts}${name}.png` })
      await page.locator('.rows .row').first().click()
      await page.locator('.changes li').first().waitFor()
      await page.click('text=Abort ...')
      await page.evaluate(() => Promise.all(document.getAnimations().map(({ finished }) => finished)))
      await look()
      await page.screenshot({ path: `${artifacts}${name}-detail.png` })
      await page.close()
    })
  }
})

/** A stream whose names are markup, and whose function stays where it is until it is let go. */
function waitingFor(markup) {
  const { promise, resolve } = deferred()
  const fn = streamFn(
    async function* held() {
      await promise
    },
    { name: markup, idleTimeout: 0 },
  )
  const stream = fn.open({ id: markup, headers: { 'x-tenant': markup } })
  void stream.send(1).catch(() => {})
  const letGo = leftover(async () => {
    resolve()
    await stream.close().catch(() => {})
  })
  return { stream, letGo }
}
