// The order session of the examples in a page of Chromium, behind `velo serve --durable` as a process of its own: it is killed with -9 in the middle, again and again, and started on the same port.
// The page goes on, and no line is lost or comes twice.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import { basename, join } from 'node:path'
import { after, test } from 'node:test'
import { chromium } from 'playwright-core'
import { serveOrders } from '../../examples/support/order-service.mjs'
import { folder } from '../cli/command.mjs'
import { running } from '../http/support/servers.mjs'
import { findBrowser, has } from '../support/programs.mjs'
import { random } from '../support/random.mjs'
import { within } from '../support/within.mjs'

const executablePath = findBrowser()
const dist = new URL('../../dist/', import.meta.url)
const html = readFileSync(new URL('../../examples/support/order-session.html', import.meta.url))
const prices = { tea: 400, cup: 1250, spoon: 300 }

test('a page goes on with its order, however often its server is killed', async (context) => {
  if (!has(context, executablePath, 'Chromium')) return
  const dice = random(42)
  const pages = http.createServer((req, res) => {
    const name = basename(new URL(req.url, 'http://localhost').pathname)
    if (!name.endsWith('.mjs')) return res.setHeader('content-type', 'text/html').end(html)
    res.setHeader('content-type', 'text/javascript').end(readFileSync(new URL(name, dist)))
  })
  const made = await running(pages.listen(0, '127.0.0.1'))
  const { origin } = new URL(made.url)
  const browser = await within(60_000, chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] }), 'the browser')
  const data = join(folder().path, 'journal')
  let service = await within(30_000, serveOrders(data, { origin }), 'the service')
  after(async () => {
    await browser.close()
    await service.kill()
    await made.close()
  })
  const restart = async (signal) => {
    await service.kill(signal)
    service = await within(30_000, serveOrders(data, { port: service.port, origin }), 'the service')
  }

  const page = await browser.newPage()
  const errors = []
  page.on('pageerror', (error) => errors.push(error))
  await page.goto(`${origin}/?service=${encodeURIComponent(service.url)}`)
  const state = page.locator('#state')
  const shown = () => page.locator('#lines li').evaluateAll((rows) => rows.map((row) => `${row.value}: ${row.textContent}`))
  const arrived = (count) => within(30_000, page.locator(`#lines li:nth-child(${count})`).waitFor(), `line ${count}`)
  const wanted = []
  let cents = 0
  const add = async () => {
    const item = dice.pick(Object.keys(prices))
    const quantity = 1 + dice.below(9)
    cents += prices[item] * quantity
    wanted.push(`${wanted.length + 1}: ${quantity} ${item}, ${(cents / 100).toFixed(2)} so far`)
    await page.selectOption('[name=item]', item)
    await page.fill('[name=quantity]', String(quantity))
    await page.click('text=Add')
  }

  for (let round = 0; round < 4; round++) {
    for (let n = 0; n < 5; n++) await add()
    // Killed while lines are on their way, or after all were answered; some are added while the server is away.
    if (dice.below(2) === 0) await arrived(wanted.length)
    const restarted = restart(round === 2 ? 'SIGTERM' : 'SIGKILL')
    for (let n = 0; n < 3; n++) await add()
    await restarted
    await arrived(wanted.length)
    assert.deepEqual(await shown(), wanted)
  }
  assert.equal(await state.textContent(), 'open')
  await page.click('text=That is all')
  await within(30_000, page.locator('text=The order is complete.').waitFor(), 'the end')
  assert.deepEqual(await shown(), wanted)
  assert.deepEqual(errors, [])
})
