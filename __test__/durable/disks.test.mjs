// Rule 23: a disk that is full, tears writes, refuses or damages them is told by VELO_CHECKPOINT; nothing accepted is lost, other streams go on, and so does everything
// when the disk does.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { streamFn } from 'velo-stream'
import { Inspector, journal } from 'velo-stream/durable'
import { forked } from '../support/forked.mjs'
import { random } from '../support/random.mjs'
import { noUnhandledRejections } from '../support/unhandled.mjs'
import { within } from '../support/within.mjs'

const USER = fileURLToPath(new URL('./support/disk-user.mjs', import.meta.url))
const temp = mkdtempSync(join(tmpdir(), 'velo-disks-'))
after(() => rmSync(temp, { recursive: true, force: true, maxRetries: 3 }))
let number = 0
const newFolder = () => join(temp, `journal-${number++}`)
const size = (folder) => statSync(join(folder, 'journal.redb')).size

/** No file of this process grows beyond so many bytes: a write that would is cut there, and the next one fails. */
function limit(pid, bytes) {
  const { status, stderr, error } = spawnSync('prlimit', [`--pid=${pid}`, `--fsize=${bytes}:unlimited`], { encoding: 'utf8' })
  assert.equal(status, 0, error?.message ?? stderr)
}

describe('a full disk, and torn writes', { skip: process.platform !== 'linux' && 'prlimit is of Linux' }, () => {
  for (const sync of ['disk', 'process']) {
    test(`what is refused is told, what was accepted is there (${sync})`, { timeout: 120_000 }, async () => {
      const dice = random(7)
      const [folder, elsewhere] = [newFolder(), newFolder()]
      const user = await forked(USER)
      const ask = (...what) => user.ask(30_000, ...what)
      assert.deepEqual(await ask('open', folder, ['a', 'b'], sync), [null, null])
      assert.deepEqual(await ask('open', elsewhere, ['c'], sync), [null])
      const sent = { a: [], b: [], c: [] }
      // A store that fails may have kept the event that it refused: then it is in its place, before all that come later.
      const refused = {}
      let refusals = 0
      const place = (id, events) => {
        if (events === sent[id].length + 1 && refused[id] !== undefined) sent[id].splice(-1, 0, refused[id])
        delete refused[id]
        assert.equal(events, sent[id].length, `${id}: what was refused takes no number`)
      }
      const send = async (id, text) => {
        const said = await ask('send', id, text)
        if (said === 'kept') sent[id].push(text)
        else {
          assert.equal(said.code, 'VELO_CHECKPOINT', said.message)
          refused[id] = text
        }
        return said
      }
      for (let round = 0; round < 8; round++) {
        sent.a.push(...(await ask('fill', 'a', `free ${round}`, 5)).sent)
        assert.equal((await ask('read', 'a', 2)).length, 2)
        // Somewhere in the file: what is written behind that is torn, unless it begins there.
        const part = round % 2 === 0 ? 1 : 0.3 + 0.7 * dice.float()
        limit(user.pid, Math.max(Math.floor(size(folder) * part) + dice.below(4096), size(elsewhere)))
        const { sent: more, code, message } = await ask('fill', 'a', `full ${round}`, 3000)
        sent.a.push(...more)
        refused.a = `full ${round}, ${more.length}`
        assert.equal(code, 'VELO_CHECKPOINT', message)
        assert.match(message, /the store failed|file too large/i)
        assert.equal(await send('c', `still ${round}`), 'kept', 'a stream in another folder goes on')
        await send('b', `maybe ${round}`)
        // If what was delivered cannot be written now, it is written later, and ends no stream.
        assert.equal((await ask('read', 'a', 1)).length, 1)
        const acked = await ask('ack', 'a')
        if (acked !== 'acknowledged') {
          refusals++
          assert.equal(acked.code, 'VELO_CHECKPOINT', acked.message)
        }
        limit(user.pid, 'unlimited')
        for (const id of ['a', 'b']) {
          assert.equal(await ask('state', id), 'open')
          assert.equal(await send(id, `after ${round}`), 'kept')
          place(id, (await ask('position', id)).events)
        }
        assert.equal(await ask('ack', 'a'), 'acknowledged')
      }
      assert.ok(refusals > 0, 'the cursor met a full disk')
      await ask('close')
      assert.deepEqual(await ask('verify', folder), [])
      await ask('open', folder, ['a', 'b'], sync)
      for (const id of ['a', 'b']) {
        const { events, results } = await ask('position', id)
        assert.equal(events, sent[id].length)
        const rest = await ask('read', id, events - results)
        assert.deepEqual(rest, sent[id].map((text, at) => [at, text]).slice(results))
      }
      await ask('close')
      await user.end()
    })
  }
})

const isRoot = process.getuid?.() === 0
/** Root may write everywhere, unless it is without its privileges. */
const COMMON = isRoot ? ['setpriv', '--bounding-set=-all', '--inh-caps=-all', '--ambient-caps=-all'] : []

describe('a folder that may not be written', { skip: process.platform === 'win32' && 'folders have no such rights there' }, () => {
  test('is told by its streams, others go on, and it is used when it may be', { timeout: 60_000 }, async () => {
    const [folder, elsewhere] = [newFolder(), newFolder()]
    const user = await forked(USER, [], COMMON)
    const ask = (...what) => user.ask(30_000, ...what)
    mkdirSync(folder, { mode: 0o500 })
    const [said] = await ask('open', folder, ['a'], 'disk')
    assert.equal(said.code, 'VELO_CHECKPOINT', said.message)
    assert.match(said.message, /denied.*: the folder must be writable/)
    assert.equal((await ask('send', 'a', 'no')).code, 'VELO_CHECKPOINT')
    assert.deepEqual(await ask('open', elsewhere, ['c'], 'disk'), [null])
    assert.equal(await ask('send', 'c', 'yes'), 'kept')
    chmodSync(folder, 0o700)
    assert.deepEqual(await ask('open', folder, ['a'], 'disk'), [null])
    assert.equal(await ask('send', 'a', 'now'), 'kept')
    await ask('close')
    // A file that may not be written, with something in it.
    chmodSync(join(folder, 'journal.redb'), 0o400)
    const [again] = await ask('open', folder, ['a'], 'disk')
    assert.equal(again.code, 'VELO_CHECKPOINT', again.message)
    chmodSync(join(folder, 'journal.redb'), 0o600)
    assert.deepEqual(await ask('open', folder, ['a'], 'disk'), [{ events: 1, results: 0, by: 'replay' }])
    assert.deepEqual(await ask('read', 'a', 1), [[0, 'now']])
    await ask('close')
    await user.end()
  })
})

describe('a record that is damaged', () => {
  const mark = 'a mark that is found in a file'

  /** Damages whatever has the mark. */
  function damage(folder) {
    const file = join(folder, 'journal.redb')
    const bytes = readFileSync(file)
    let found = 0
    for (let at = bytes.indexOf(mark); at >= 0; at = bytes.indexOf(mark, at + 1)) {
      bytes[at + 3] ^= 1
      found++
    }
    assert.ok(found > 0, 'the mark is in the file')
    writeFileSync(file, bytes)
  }

  async function* asks(events, ctx) {
    for await (const event of events) {
      if (event === 'outcome') yield await ctx.run('ask', () => mark).then((text) => text.length)
      else if (event === 'state') yield (ctx.state = { text: mark }).text.length
      else if (event === 'end') return mark
      else yield event.length
    }
  }
  const state = { initial: { text: '' }, version: 1, every: 1 }

  for (const { part, events, options = {}, retain = 0 } of [
    { part: 'an event', events: ['first', mark, 'last'] },
    { part: 'an outcome of ctx.run', events: ['outcome', 'last'] },
    { part: 'a state', events: ['state', 'last', 'last'], options: { state } },
    { part: 'an end', events: ['first', 'end'], retain: 60_000 },
  ]) {
    test(`${part}: its stream is told, others go on`, { timeout: 60_000 }, async () => {
      const folder = newFolder()
      const make = (kept) => streamFn(asks, { name: 'asks', durable: kept, ...options })
      const one = journal(folder, { retain })
      const [first, other] = ['damaged', 'sound'].map((id) => make(one).open({ id }))
      for (const event of events) await first.send(event)
      for (let count = events.filter((event) => event !== 'end').length; count > 0; count--) await within(10_000, first.recv())
      if (retain > 0) await assert.rejects(first.recv(), { code: 'VELO_CLOSED' })
      await first.ack()
      await first.close()
      await other.send('first')
      await other.close()
      await one.close()
      damage(folder)
      const two = journal(folder, { retain })
      const damaged = make(two).open({ id: 'damaged' })
      const refusal = { code: 'VELO_CHECKPOINT', message: /corrupt.*`velo journal verify`/ }
      await assert.rejects(within(10_000, damaged.resumed), refusal)
      await assert.rejects(within(10_000, damaged.recv()), refusal)
      await within(10_000, damaged.closed)
      const sound = make(two).open({ id: 'sound' })
      assert.equal((await within(10_000, sound.resumed)).events, 1)
      await sound.send('second')
      await sound.close()
      assert.equal(await make(two).discard('damaged'), true)
      const fresh = make(two).open({ id: 'damaged' })
      assert.equal(await fresh.resumed, null)
      await fresh.close()
      await two.close()
      const inspector = new Inspector(folder)
      assert.deepEqual(await inspector.verify(), [])
      await inspector.close()
    })
  }
})

noUnhandledRejections('durable streams on bad disks')
