// What every journal promises, as tests over a maker: `make({ maxBytes })` gives a new place with `open()`, which answers a journal over that place; one
// opened after `close()` is the next life of the process. Any store is run through this.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { within } from '../support/within.mjs'

const LIMIT = 30_000
const INIT = { at: 1_700_000_000_000, seed: 0.25 }
const NONE = new Uint8Array()

export const bytes = (text) => new TextEncoder().encode(text)
const text = (value) => new TextDecoder().decode(value)
const key = (id, name = 'f') => ({ function: name, id })
const event = (body, at = 1) => ({ at, end: false, bytes: typeof body === 'string' ? bytes(body) : body })
const events = (from, to) => Array.from({ length: to - from }, (_, i) => event(`e${from + i}`, from + i))
const bodies = (records) => records.map((record) => text(record.bytes))
const state = (events, results, asked, body = 'state') => ({ version: 1, events, results, asked, bytes: bytes(body) })
const all = { events: 1000, bytes: 1 << 30 }

function refused(promise, pattern) {
  return assert.rejects(promise, (error) => {
    assert.equal(error.code, 'VELO_CHECKPOINT')
    assert.match(error.message, pattern)
    return true
  })
}

async function readAll(journal, own, from, limit = all) {
  const read = []
  for (;;) {
    const page = await journal.read(own, from + read.length, limit)
    if (page.length === 0) return read
    read.push(...page)
  }
}

/** Registers the tests for one kind of journal. */
export function conforms(name, make) {
  const on = (title, run, options) =>
    test(title, async () => {
      const place = await make(options)
      const opened = []
      const open = async () => {
        const journal = await place.open()
        opened.push(journal)
        return journal
      }
      try {
        await within(LIMIT, run(await open(), open), title)
      } finally {
        for (const journal of opened) await journal.close()
        await place.remove?.()
      }
    })

  describe(`journal: ${name}`, () => {
    on('a new stream has nothing, and is known the next time', async (journal) => {
      const kept = await journal.open(key('a'), INIT)
      const { own, ...rest } = kept
      assert.deepEqual(own.key, key('a'))
      const empty = { outcomes: [], state: undefined, outputs: { from: 0, values: [] }, over: undefined }
      assert.deepEqual(rest, {
        isNew: true,
        ...INIT,
        first: 0,
        events: 0,
        delivered: 0,
        hashes: { from: 0, values: new Uint32Array() },
        ...empty,
      })
      const again = await journal.open(key('a'), { at: 5, seed: 6 })
      assert.equal(again.isNew, false)
      assert.deepEqual([again.at, again.seed], [INIT.at, INIT.seed])
      assert.ok(again.own.epoch > own.epoch, 'an epoch grows')
      assert.notEqual(again.own.token, own.token)
    })

    on('events come back as they were given, in order, in pages', async (journal) => {
      const { own } = await journal.open(key('a'), INIT)
      await journal.append(own, 0, events(0, 3))
      await journal.append(own, 3, [event(NONE, 1.5), event(Uint8Array.of(0, 255, 128), Number.MAX_SAFE_INTEGER)])
      await journal.append(own, 5, [{ at: 9, end: true, bytes: NONE }])
      const whole = await journal.read(own, 0, all)
      assert.deepEqual(bodies(whole.slice(0, 3)), ['e0', 'e1', 'e2'])
      assert.deepEqual(
        whole.map(({ at, end }) => [at, end]),
        [
          [0, false],
          [1, false],
          [2, false],
          [1.5, false],
          [Number.MAX_SAFE_INTEGER, false],
          [9, true],
        ],
      )
      assert.deepEqual([...whole[4].bytes], [0, 255, 128])
      for (const limit of [
        { events: 1, bytes: 1 << 30 },
        { events: 4, bytes: 1 << 30 },
        { events: 100, bytes: 1 },
      ]) {
        assert.deepEqual(await readAll(journal, own, 0, limit), whole)
      }
      assert.equal((await journal.read(own, 0, { events: 4, bytes: 1000 })).length, 4)
      assert.equal((await journal.read(own, 0, { events: 100, bytes: 3 })).length, 2, 'no more once the bytes are reached')
      assert.deepEqual(bodies(await journal.read(own, 2, { events: 1, bytes: 9 })), ['e2'])
      assert.deepEqual(await journal.read(own, 6, all), [])
      assert.equal((await journal.open(key('a'), INIT)).events, 6)
    })

    on('a batch of many events is read from anywhere', async (journal) => {
      const { own } = await journal.open(key('a'), INIT)
      await journal.append(own, 0, events(0, 5000))
      for (const from of [0, 1, 999, 4999]) {
        assert.deepEqual(bodies(await readAll(journal, own, from, { events: 700, bytes: 1 << 20 })), bodies(events(from, 5000)))
      }
    })

    on('a repeat is harmless, a gap is refused', async (journal) => {
      const { own } = await journal.open(key('a'), INIT)
      await journal.append(own, 0, events(0, 3))
      await journal.append(own, 0, events(0, 3))
      await journal.append(own, 1, events(1, 5))
      await journal.append(own, 5, [])
      await refused(journal.append(own, 6, events(6, 7)), /gap/)
      assert.deepEqual(bodies(await readAll(journal, own, 0)), bodies(events(0, 5)))
    })

    on('steps of an ownership happen in the order in which they were asked for', async (journal) => {
      const { own } = await journal.open(key('a'), INIT)
      const steps = []
      for (let i = 0; i < 200; i++) {
        steps.push(journal.append(own, i, events(i, i + 1)))
        if (i % 10 === 9) steps.push(journal.commit(own, { state: state(i - 4, i, 0, `s${i}`) }))
      }
      await Promise.all(steps)
      const kept = await journal.open(key('a'), INIT)
      assert.equal(text(kept.state.bytes), 's199')
      assert.deepEqual([kept.first, kept.events], [195, 200])
      assert.deepEqual(bodies(await readAll(journal, kept.own, 195)), bodies(events(195, 200)))
    })

    on('whoever lost a stream writes and reads nothing more', async (journal) => {
      const old = await journal.open(key('a'), INIT)
      await journal.append(old.own, 0, events(0, 1))
      const { own } = await journal.open(key('a'), INIT)
      const steps = [
        () => journal.append(old.own, 1, events(1, 2)),
        () => journal.read(old.own, 0, all),
        () => journal.commit(old.own, { delivered: 1, hashes: { from: 0, values: Uint32Array.of(1) } }),
        () => journal.commit(old.own, { over: { bytes: NONE, retain: 0 } }),
        () => journal.commit(old.own, { over: { bytes: NONE, retain: 1000 } }),
      ]
      for (const step of steps) await refused(step(), /f "a".*opened by somebody else/)
      for (const forged of [
        { ...own, token: old.own.token },
        { ...own, epoch: own.epoch + 1 },
        { ...own, token: 'x' },
      ]) {
        await refused(journal.append(forged, 1, events(1, 2)), /f "a"/)
      }
      const kept = await journal.open(key('a'), INIT)
      assert.deepEqual([kept.events, kept.delivered, kept.hashes.values.length, kept.over], [1, 0, 0, undefined])
      assert.deepEqual(bodies(await readAll(journal, kept.own, 0)), ['e0'])
    })

    on('delivered never goes backwards, and lets go of outputs', async (journal) => {
      const { own } = await journal.open(key('a'), INIT)
      await journal.append(own, 0, events(0, 2))
      const outputs = { from: 3, values: ['r3', 'r4', 'r5'].map(bytes) }
      await journal.commit(own, { delivered: 3, state: state(2, 6, 1), outputs })
      let kept = await journal.open(key('a'), INIT)
      assert.deepEqual([kept.outputs.from, kept.outputs.values.map(text)], [3, ['r3', 'r4', 'r5']])
      await journal.commit(kept.own, { delivered: 5 })
      await journal.commit(kept.own, { delivered: 4 })
      kept = await journal.open(key('a'), INIT)
      assert.deepEqual([kept.delivered, kept.outputs.from, kept.outputs.values.map(text)], [5, 5, ['r5']])
      await journal.commit(kept.own, { delivered: 9, state: state(2, 9, 1), outputs: { from: 8, values: [bytes('r8')] } })
      kept = await journal.open(key('a'), INIT)
      assert.deepEqual([kept.delivered, kept.outputs.values], [9, []])
    })

    on('outputs are put behind those that are kept, a repeat is harmless, a gap is refused', async (journal) => {
      let { own } = await journal.open(key('a'), INIT)
      const outputs = (from, to) => ({ from, values: Array.from({ length: to - from }, (_, i) => bytes(`r${from + i}`)) })
      const shown = async () => {
        const kept = await journal.open(key('a'), INIT)
        own = kept.own
        return [kept.delivered, kept.outputs.from, kept.outputs.values.map(text).join()]
      }
      await journal.commit(own, { state: state(1, 2, 0), outputs: outputs(0, 2) })
      await journal.commit(own, { state: state(2, 4, 0), outputs: outputs(2, 4) })
      await journal.commit(own, { state: state(2, 4, 0), outputs: outputs(2, 4) })
      await journal.commit(own, { outputs: outputs(3, 5) })
      assert.deepEqual(await shown(), [0, 0, 'r0,r1,r2,r3,r4'])
      await refused(journal.commit(own, { delivered: 1, state: state(3, 7, 0), outputs: outputs(6, 7) }), /gap/)
      assert.deepEqual(await shown(), [0, 0, 'r0,r1,r2,r3,r4'])
      await journal.commit(own, { delivered: 3, state: state(3, 6, 0), outputs: outputs(5, 6) })
      assert.deepEqual(await shown(), [3, 3, 'r3,r4,r5'])
      // What was delivered needs no place, and what comes behind it leaves no gap.
      await journal.commit(own, { delivered: 8, state: state(4, 10, 0), outputs: outputs(6, 10) })
      assert.deepEqual(await shown(), [8, 8, 'r8,r9'])
      await journal.commit(own, { delivered: 12 })
      await journal.commit(own, { state: state(5, 14, 0), outputs: outputs(12, 14) })
      assert.deepEqual(await shown(), [12, 12, 'r12,r13'])
      await journal.commit(own, { state: state(4, 10, 0, 'old'), outputs: outputs(6, 20) })
      assert.deepEqual(await shown(), [12, 12, 'r12,r13'])
    })

    on('a hundred thousand outputs, a hundred with each checkpoint', async (journal) => {
      const { own } = await journal.open(key('a'), INIT)
      const [count, step] = [100_000, 100]
      const commits = []
      for (let from = 0; from < count; from += step) {
        const outputs = { from, values: Array.from({ length: step }, (_, i) => bytes(`${from + i}`)) }
        commits.push(journal.commit(own, { state: state(from / step, from + step, 0), outputs }))
      }
      await Promise.all(commits)
      const { outputs } = await journal.open(key('a'), INIT)
      assert.deepEqual([outputs.from, outputs.values.length], [0, count])
      assert.ok(outputs.values.every((value, index) => text(value) === `${index}`))
    })

    on('hashes and outcomes are kept once, in order', async (journal) => {
      const { own } = await journal.open(key('a'), INIT)
      const commit = { hashes: { from: 0, values: Uint32Array.of(1, 2 ** 32 - 1) }, outcomes: [{ asked: 1, bytes: bytes('one') }] }
      await journal.commit(own, commit)
      await journal.commit(own, commit)
      await journal.commit(own, {
        hashes: { from: 1, values: Uint32Array.of(7, 8, 9) },
        outcomes: [{ asked: 0, bytes: bytes('zero') }, ...commit.outcomes],
      })
      await refused(journal.commit(own, { hashes: { from: 5, values: Uint32Array.of(1) }, outcomes: [{ asked: 7, bytes: NONE }] }), /gap/)
      const kept = await journal.open(key('a'), INIT)
      assert.deepEqual(kept.hashes, { from: 0, values: Uint32Array.of(1, 2 ** 32 - 1, 8, 9) })
      assert.deepEqual(
        kept.outcomes.map(({ asked, bytes }) => [asked, text(bytes)]),
        [
          [1, 'one'],
          [0, 'zero'],
        ],
      )
    })

    on('a checkpoint drops events, hashes and outcomes with lower numbers', async (journal) => {
      const { own } = await journal.open(key('a'), INIT)
      await journal.append(own, 0, events(0, 4))
      await journal.append(own, 4, events(4, 8))
      const outcomes = [0, 1, 2].map((asked) => ({ asked, bytes: bytes(`o${asked}`) }))
      await journal.commit(own, { hashes: { from: 0, values: Uint32Array.of(0, 1, 2) }, outcomes })
      await journal.commit(own, { hashes: { from: 3, values: Uint32Array.of(3) }, state: { ...state(5, 2, 1), version: 3 } })
      // An older one is a repeat of what was kept before.
      await journal.commit(own, { state: state(4, 2, 1, 'old'), outputs: { from: 0, values: [bytes('old')] } })
      let kept = await journal.open(key('a'), INIT)
      assert.deepEqual(kept.state, { ...state(5, 2, 1), version: 3 })
      assert.deepEqual([kept.first, kept.events], [5, 8])
      assert.deepEqual(kept.hashes, { from: 2, values: Uint32Array.of(2, 3) })
      assert.deepEqual(
        kept.outcomes.map(({ asked }) => asked),
        [1, 2],
      )
      assert.deepEqual(kept.outputs.values, [])
      await refused(journal.read(kept.own, 4, all), /not kept any more/)
      assert.deepEqual(bodies(await readAll(journal, kept.own, 5)), ['e5', 'e6', 'e7'])
      // Beyond what was appended: a source that is asked again keeps none of its events.
      await journal.commit(kept.own, { state: state(20, 9, 3) })
      kept = await journal.open(key('a'), INIT)
      assert.deepEqual([kept.first, kept.events, kept.hashes.from, kept.hashes.values.length, kept.outcomes], [20, 20, 9, 0, []])
      await journal.append(kept.own, 20, events(20, 21))
      await journal.commit(kept.own, { hashes: { from: 9, values: Uint32Array.of(9) } })
      assert.deepEqual(bodies(await readAll(journal, kept.own, 20)), ['e20'])
    })

    on('without retention an end removes everything, and repeating it is harmless', async (journal) => {
      const { own } = await journal.open(key('a'), INIT)
      await journal.append(own, 0, events(0, 3))
      const over = { over: { bytes: bytes('end'), retain: 0 } }
      await journal.commit(own, { delivered: 2, ...over })
      await journal.commit(own, over)
      await refused(journal.append(own, 3, events(3, 4)), /not kept any more/)
      await refused(journal.commit(own, { delivered: 3 }), /not kept any more/)
      assert.deepEqual(await journal.unfinished('f'), [])
      const kept = await journal.open(key('a'), INIT)
      assert.deepEqual([kept.isNew, kept.events, kept.over], [true, 0, undefined])
      assert.ok(kept.own.epoch > own.epoch, 'an epoch grows over all lives')
      await refused(journal.append(own, 0, events(0, 1)), /opened by somebody else|not kept any more/)
    })

    on('a retained end alone stays, until it is due', async (journal) => {
      const { own } = await journal.open(key('a'), INIT)
      await journal.append(own, 0, events(0, 3))
      await journal.commit(own, { state: state(1, 1, 1), outputs: { from: 0, values: [bytes('r')] } })
      await journal.commit(own, { over: { bytes: bytes('end'), retain: 60_000 } })
      await refused(journal.append(own, 3, events(3, 4)), /ended/)
      await refused(journal.commit(own, { state: state(2, 2, 2) }), /ended/)
      assert.deepEqual(await journal.unfinished('f'), [])
      const kept = await journal.open(key('a'), INIT)
      assert.deepEqual([kept.isNew, text(kept.over), kept.state, kept.outputs.values, kept.outcomes], [false, 'end', undefined, [], []])
      assert.deepEqual(await journal.read(kept.own, kept.first, all), [])
      await journal.commit(kept.own, { over: { bytes: bytes('other'), retain: 1 } })
      let again = await journal.open(key('a'), INIT)
      while (!again.isNew) again = await journal.open(key('a'), INIT)
      assert.deepEqual([again.events, again.over], [0, undefined])
    })

    on('discard removes a stream, whoever owns it', async (journal) => {
      assert.equal(await journal.discard(key('a')), false)
      const { own } = await journal.open(key('a'), INIT)
      await journal.append(own, 0, events(0, 1))
      await journal.open(key('b'), INIT)
      assert.equal(await journal.discard(key('a')), true)
      assert.equal(await journal.discard(key('a')), false)
      await refused(journal.append(own, 1, events(1, 2)), /not kept any more/)
      const ended = await journal.open(key('c'), INIT)
      await journal.commit(ended.own, { over: { bytes: NONE, retain: 60_000 } })
      assert.equal(await journal.discard(key('c')), true)
      assert.deepEqual(
        (await journal.unfinished('f')).map(({ id }) => id),
        ['b'],
      )
    })

    on('unfinished streams are those of one function', async (journal) => {
      const { own } = await journal.open(key('a', 'fn'), INIT)
      await journal.append(own, 0, events(0, 2))
      await journal.commit(own, { delivered: 1 })
      for (const name of ['f', 'fn2', 'fn\0', '']) await journal.open(key('a', name), INIT)
      const [one, ...more] = await journal.unfinished('fn')
      assert.deepEqual([more, one.id, one.events, one.results, one.bytes > 3], [[], 'a', 2, 1, true])
      assert.deepEqual(await journal.unfinished('nobody'), [])
    })

    on('ids are any Unicode', async (journal) => {
      const ids = [
        '',
        ' ',
        '\0',
        'a\0b',
        '"\\\n',
        '\u00e9',
        'e\u0301',
        '\u65e5\u672c',
        '\u{1f469}\u200d\u{1f469}\u200d\u{1f467}',
        '\u{10ffff}',
        '\uffff',
        '../x',
        'f',
        'x'.repeat(5000),
      ]
      for (const [at, id] of ids.entries()) {
        const { own, isNew } = await journal.open(key(id), { at, seed: 0 })
        assert.ok(isNew, id)
        await journal.append(own, 0, [event(id)])
      }
      assert.deepEqual((await journal.unfinished('f')).map(({ id }) => id).sort(), [...ids].sort())
      for (const [at, id] of ids.entries()) {
        const kept = await journal.open(key(id), INIT)
        assert.deepEqual([kept.at, bodies(await readAll(journal, kept.own, 0))], [at, [id]])
      }
    })

    on(
      'a stream that would keep too much is refused, and lives',
      async (journal) => {
        const { own } = await journal.open(key('a'), INIT)
        const other = await journal.open(key('b'), INIT)
        await journal.append(own, 0, [event(new Uint8Array(600))])
        await refused(journal.append(own, 1, [event(new Uint8Array(600))]), /f "a".*may keep 1000/)
        await refused(journal.commit(own, { delivered: 1, outcomes: [{ asked: 0, bytes: new Uint8Array(600) }] }), /may keep 1000/)
        assert.equal((await journal.read(own, 0, all)).length, 1)
        await journal.append(own, 1, [event(new Uint8Array(100))])
        await journal.append(other.own, 0, [event(new Uint8Array(600))])
        await journal.commit(own, { state: state(2, 0, 0) })
        await journal.append(own, 2, [event(new Uint8Array(600))])
        let appended = 0
        for (; appended < 1000; appended++) {
          const full = await journal.append(other.own, 1 + appended, [event(NONE)]).then(
            () => false,
            () => true,
          )
          if (full) break
        }
        assert.ok(appended < 100, 'events without bytes are bounded too')
        await journal.append(other.own, 1 + appended, [{ at: 2, end: true, bytes: NONE }])
        assert.equal((await readAll(journal, other.own, 0)).at(-1).end, true, 'the end is kept however full it is')
        await journal.commit(other.own, { state: state(1, 1, 0, 's'.repeat(900)), outputs: { from: 0, values: [bytes('r'.repeat(500))] } })
        const full = await journal.open(key('b'), INIT)
        assert.deepEqual([full.state.bytes.length, full.outputs.values.length, full.first], [900, 1, 1], 'so is a state')
        await refused(journal.append(full.own, full.events, [event(NONE)]), /may keep 1000/)
        const kept = await journal.open(key('a'), INIT)
        assert.deepEqual([kept.first, kept.events, kept.delivered], [2, 3, 0])
      },
      { maxBytes: 1000 },
    )

    on(
      'a state makes room in the middle of what came together',
      async (journal) => {
        const { own } = await journal.open(key('a'), INIT)
        for (let at = 0; at < 8; at++) await journal.append(own, at, [event(new Uint8Array(80).fill(at), at)])
        await refused(journal.append(own, 8, [event(new Uint8Array(400))]), /may keep 1000/)
        await journal.commit(own, { state: state(5, 0, 0) })
        await journal.append(own, 8, [event(new Uint8Array(400))])
        const read = await readAll(journal, own, 5)
        assert.deepEqual(
          read.map(({ at, bytes }) => [at, bytes.length, bytes[0]]),
          [
            [5, 80, 5],
            [6, 80, 6],
            [7, 80, 7],
            [1, 400, 0],
          ],
        )
        assert.deepEqual((await readAll(journal, own, 7)).length, 2)
        await refused(journal.read(own, 4, all), /not kept any more/)
        await journal.commit(own, { state: state(9, 0, 0) })
        assert.deepEqual(await readAll(journal, own, 9), [])
      },
      { maxBytes: 1000 },
    )

    on('large records', async (journal, open) => {
      const large = [1 << 20, 16 << 20].map((size) => Uint8Array.from({ length: size }, (_, i) => (i * 31) ^ (i >> 8)))
      let { own } = await journal.open(key('a'), INIT)
      for (const [at, body] of large.entries()) await journal.append(own, at, [event(body)])
      await journal.commit(own, { outcomes: [{ asked: 0, bytes: large[0] }], outputs: { from: 0, values: [large[1]] } })
      await journal.close()
      const next = await open()
      const kept = await next.open(key('a'), INIT)
      own = kept.own
      for (const [at, body] of large.entries()) {
        const [one] = await next.read(own, at, { events: 1, bytes: 1 })
        assert.equal(Buffer.compare(one.bytes, body), 0)
      }
      assert.equal(Buffer.compare(kept.outcomes[0].bytes, large[0]), 0)
      assert.equal(Buffer.compare(kept.outputs.values[0], large[1]), 0)
    })

    on('a thousand streams at once', async (journal) => {
      const ids = Array.from({ length: 1000 }, (_, i) => `s${i}`)
      const owns = await Promise.all(ids.map(async (id) => (await journal.open(key(id), INIT)).own))
      for (let i = 0; i < 5; i++) await Promise.all(owns.map((own) => journal.append(own, i, [event(`${own.key.id} ${i}`)])))
      await Promise.all(owns.filter((_, i) => i % 2 === 0).map((own) => journal.commit(own, { over: { bytes: NONE, retain: 0 } })))
      const left = await journal.unfinished('f')
      assert.deepEqual(left.map(({ id }) => id).sort(), ids.filter((_, i) => i % 2 === 1).sort())
      assert.ok(left.every(({ events }) => events === 5))
      const read = await Promise.all(owns.filter((_, i) => i % 2 === 1).map((own) => readAll(journal, own, 0)))
      for (const records of read) assert.match(bodies(records).join(), /^(s\d+) 0,\1 1,\1 2,\1 3,\1 4$/)
    })

    on('everything is there in the next life', async (journal, open) => {
      const { own } = await journal.open(key('a'), INIT)
      await journal.append(own, 0, events(0, 4))
      const outputs = { from: 1, values: [bytes('r1')] }
      await journal.commit(own, { delivered: 1, state: state(2, 2, 1), outputs, outcomes: [{ asked: 1, bytes: bytes('o') }] })
      await journal.commit(own, { hashes: { from: 2, values: Uint32Array.of(5) } })
      const ended = await journal.open(key('b'), INIT)
      await journal.commit(ended.own, { over: { bytes: bytes('end'), retain: 60_000 } })
      await journal.close()
      const next = await open()
      const kept = await next.open(key('a'), { at: 0, seed: 0 })
      assert.deepEqual([kept.isNew, kept.at, kept.seed, kept.first, kept.events, kept.delivered], [false, INIT.at, INIT.seed, 2, 4, 1])
      assert.deepEqual(kept.hashes, { from: 2, values: Uint32Array.of(5) })
      assert.deepEqual(kept.state, state(2, 2, 1))
      assert.deepEqual([kept.outputs.from, kept.outputs.values.map(text)], [1, ['r1']])
      assert.deepEqual(
        kept.outcomes.flatMap(({ asked, bytes }) => [asked, text(bytes)]),
        [1, 'o'],
      )
      assert.deepEqual(bodies(await readAll(next, kept.own, 2)), ['e2', 'e3'])
      assert.ok(kept.own.epoch > own.epoch, 'an epoch grows over all lives')
      await refused(next.append(own, 4, events(4, 5)), /opened by somebody else/)
      assert.equal(text((await next.open(key('b'), INIT)).over), 'end')
    })

    on('a closed journal refuses, and what was asked before is done', async (journal, open) => {
      const { own } = await journal.open(key('a'), INIT)
      const appended = journal.append(own, 0, events(0, 1))
      const closed = journal.close()
      await refused(journal.append(own, 1, events(1, 2)), /closed/)
      await refused(journal.open(key('b'), INIT), /closed/)
      await appended
      await closed
      await journal.close()
      assert.equal((await (await open()).open(key('a'), INIT)).events, 1)
    })
  })
}
