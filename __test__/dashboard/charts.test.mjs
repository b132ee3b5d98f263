// The charts in Chromium, of pictures that the test makes: latencies are those of the last minute, and clusters are there where there is one.

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { before, test } from 'node:test'
import { dashboard } from 'velo-stream/dashboard'
import { describePages } from './browser.mjs'
import { ask, listening, served, waiting } from './support.mjs'

const MINUTE = 60_000

describePages('the charts', ({ visit }) => {
  const answer = dashboard()
  let picture
  before(async () => {
    waiting(1, 'one')
    const { url } = await served()
    picture = JSON.parse((await ask(`${url}/dashboard/picture`)).text)
    // A full minute, where an axis has a label.
    picture.overview.at = Math.ceil(picture.overview.at / MINUTE) * MINUTE
  })

  /**
   * A page that gets just these pictures, `{ after, latencies, clusters }` in ms since the first. Its feed stays open, as a feed does; one that the page opens anew begins at the first, which the charts
   * pass over when they have it.
   */
  async function shown(looks, options) {
    const { overview } = picture
    const texts = looks.map(({ after, ...own }) =>
      JSON.stringify({ ...picture, overview: { ...overview, ...own, at: overview.at + after } }),
    )
    const feed = texts.map((text) => `data: ${text}\n\n`).join('')
    const server = createServer((req, res) => {
      if (!req.url.startsWith('/dashboard/feed?')) return answer(req, res)
      res.writeHead(200, { 'content-type': 'text/event-stream' }).write(feed)
    })
    const { url } = await listening(server.listen(0, '127.0.0.1'))
    return visit(url, options)
  }
  /** From where to where each label of the time goes on each canvas. */
  const labelsOn = (page) =>
    page.locator('canvas').evaluateAll((all) =>
      all.map((canvas) => {
        const rows = 20
        const copy = new OffscreenCanvas(canvas.width, rows).getContext('2d', { willReadFrequently: true })
        copy.drawImage(canvas, 0, rows - canvas.height)
        const { data } = copy.getImageData(0, 0, canvas.width, rows)
        const labels = []
        for (let x = 0; x < canvas.width; x++) {
          const isInked = Array.from({ length: rows }, (_, y) => data[(y * canvas.width + x) * 4 + 3]).some((alpha) => alpha > 0)
          if (!isInked) continue
          // Letters are closer than labels.
          if (x - (labels.at(-1)?.to ?? -100) > 12) labels.push({ from: x, to: x })
          else labels.at(-1).to = x
        }
        return labels
      }),
    )
  const card = (page, title) => page.locator('.card', { has: page.locator('h2', { hasText: title }) })
  const legend = (page, title) => card(page, title).locator('li:visible').allTextContents()
  const waitFor = (page, title, text) => card(page, title).locator('li', { hasText: text }).waitFor()

  test('quantiles are those of the last minute, not of all the time before', async () => {
    const bounds = [1000, 2000, 4000, 8000]
    // 10 000 fast ones before anybody looked, then 100 slow ones a minute, of which those of the first are forgotten in the last look.
    const looks = [
      { after: 0, latencies: { bounds, atMost: [10_000, 10_000, 10_000, 10_000], samples: 10_000 } },
      { after: 30_000, latencies: { bounds, atMost: [10_000, 10_000, 10_100, 10_100], samples: 10_100 } },
      { after: 31_000, latencies: { bounds, atMost: [10_000, 10_000, 10_100, 10_100], samples: 10_100 } },
      { after: 31_000 + MINUTE, latencies: { bounds, atMost: [10_000, 10_000, 10_100, 10_200], samples: 10_200 } },
    ]
    const title = 'Latency over the last minute'
    const early = await shown(looks.slice(0, 3))
    await waitFor(early, title, 'p50 3.0 ms')
    assert.deepEqual(await legend(early, title), ['p50 3.0 ms', 'p95 3.9 ms', 'p99 4.0 ms'])
    await early.close()
    const late = await shown(looks)
    await waitFor(late, title, 'p50 6.0 ms')
    assert.deepEqual(await legend(late, title), ['p50 6.0 ms', 'p95 7.8 ms', 'p99 8.0 ms'])
    await late.close()
  })

  test('another process begins anew, and what nobody looked at for long is not told', async () => {
    const bounds = [1000, 2000]
    const title = 'Latency over the last minute'
    const page = await shown([
      { after: 0, latencies: { bounds, atMost: [0, 0], samples: 0 } },
      { after: 1000, latencies: { bounds, atMost: [0, 100], samples: 100 } },
      { after: 1000 + 2 * MINUTE, latencies: { bounds, atMost: [500, 600], samples: 600 } },
    ])
    await waitFor(page, title, 'p50 -')
    assert.deepEqual(await legend(page, title), ['p50 -', 'p95 -', 'p99 -'])
    await page.close()
  })

  test('the last label of the time is as whole as the first', async () => {
    for (const width of [1440, 360]) {
      const page = await shown([{ after: -MINUTE }, { after: 0 }], { width })
      const all = await labelsOn(page)
      assert.ok(all.length > 3)
      for (const labels of all) {
        const widths = labels.map(({ from, to }) => to - from)
        assert.ok(widths.length >= 2 && widths[0] > 20, String(widths))
        assert.ok(Math.abs(widths.at(-1) - widths[0]) <= 8, `${width} px wide: ${widths}`)
      }
      await page.close()
    }
  })

  test('the time of the first picture alone is that of a minute', async () => {
    const alone = await shown([{ after: 0 }])
    const labels = await labelsOn(alone)
    await alone.close()
    const both = await shown([{ after: -MINUTE }, { after: 0 }])
    assert.deepEqual(labels, await labelsOn(both))
    await both.close()
  })

  test('a cluster has charts where this process is a part of one', async () => {
    const without = await shown([{ after: 0 }, { after: 1000 }])
    await card(without, 'Throughput').waitFor()
    assert.equal(await without.locator('h2:visible', { hasText: 'cluster' }).count(), 0)
    await without.close()
    const cluster = { prefix: 'a', hosted: 3, open: 5, takeovers: 2, commits: 100, lag: 7, deadLetters: 0, unreplicated: 0 }
    const page = await shown([
      { after: 0, clusters: [cluster] },
      {
        after: 2000,
        clusters: [
          { ...cluster, commits: 150 },
          { ...cluster, prefix: 'b', commits: 0 },
        ],
      },
    ])
    const [sessions, work] = ['Sessions of the cluster, here', 'Work of the cluster, here']
    await waitFor(page, sessions, 'hosted 6')
    assert.deepEqual(await legend(page, sessions), ['hosted 6', 'handles 10', 'taken over so far 4'])
    assert.deepEqual(await legend(page, work), ['commits a second 25', 'events behind 14'])
    await page.close()
  })
})
