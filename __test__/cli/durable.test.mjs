// `velo run --durable`: a stream that is interrupted goes on, and its results are those of one that was not.

import assert from 'node:assert/strict'
import { appendFileSync, existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { random } from '../support/random.mjs'
import { within } from '../support/within.mjs'
import { folder, ndjson, start, values, velo } from './command.mjs'

const SEED = Number(process.env.VELO_SEED ?? 13)
const KILLS = Number(process.env.VELO_KILLS ?? 3)
const { path, write } = folder()

/** Says how far it is, and dies by itself where the environment says so. Not one result an event, and an answer of the world at each third one, which takes a commit. */
const body = `async function* (events, ctx) {
  let mine = { total: 0, seen: 0 }
  for await (const { n } of events) {
    const now = ctx.state ?? mine
    now.total += n
    now.seen++
    process.stderr.write('at ' + now.seen + '\\n')
    if (now.seen === Number(process.env.DIE_AT)) process.kill(process.pid, 'SIGKILL')
    if (n % 3 !== 0) yield { seen: now.seen, total: now.total }
    else yield { seen: now.seen, twice: await ctx.run('ask', () => 2 * n), text: 'a "quoted", line' }
    if (n % 5 === 0) yield { seen: now.seen, total: -now.total }
  }
  yield { seen: 'end', total: (ctx.state ?? mine).total }
}`
const replayed = write('replayed.mjs', `export default ${body}`)
const stateful = write(
  'stateful.mjs',
  `export const options = { state: { initial: () => ({ total: 0, seen: 0 }), version: 1, every: 7 } }
  export default ${body}`,
)
const numbers = Array.from({ length: 300 }, (_, n) => ({ n }))
const input = write('input.ndjson', ndjson(numbers))
let made = 0
const place = () => {
  const name = `p${made++}`
  return { data: join(path, name), out: join(path, `${name}.out`), dir: ['--durable', join(path, name)] }
}
const lastAt = (err) => Number([...err.matchAll(/^at (\d+)$/gm)].at(-1)?.[1] ?? 0)

/** Kills it when it says that it is there. */
function killAt(child, at) {
  let said = ''
  child.stderr.on('data', (text) => {
    said += text
    if (new RegExp(`^at ${at}$`, 'm').test(said)) child.kill('SIGKILL')
  })
}

/** Runs it again and again, each time killed at another event, and at last to its end. */
async function throughKills(args, dice) {
  let at = 0
  let killed = 0
  const lives = []
  for (;;) {
    const isLast = killed === KILLS
    const next = at + 1 + dice.below(Math.floor(1.2 * (numbers.length / KILLS)))
    // Half of them die at a certain line of the function, half whenever the signal arrives.
    const bySelf = dice.below(2) === 0
    const run = start(args, { input: '', env: bySelf && !isLast ? { DIE_AT: String(next) } : {} })
    if (!isLast && !bySelf) killAt(run.child, next)
    const end = await run.ended()
    lives.push(end)
    if (end.signal !== 'SIGKILL') return { ...end, killed, lives }
    killed++
    at = Math.max(at, lastAt(end.err))
  }
}

describe('killed with -9 in the middle', () => {
  const kinds = [
    ['by replay', replayed, []],
    ['from its state, on a worker thread', stateful, ['--worker']],
    ['from its state, as CSV', stateful, ['--out', 'csv']],
  ]
  for (const [index, [title, file, more]] of kinds.entries()) {
    test(`${title}: the file has each result once, as without a kill`, async () => {
      const dice = random(SEED * 31 + index)
      const whole = place()
      const fn = more.includes('csv') ? write(`csv${index}.mjs`, columns(file)) : file
      const one = await velo(['run', fn, ...whole.dir, ...more, '--out-file', whole.out, input])
      assert.equal(one.code, 0, one.err)
      const { dir, out } = place()
      const { code, err, killed, signal } = await throughKills(['run', fn, ...dir, '--id', 'x', ...more, '--out-file', out, input], dice)
      assert.deepEqual([code, signal], [0, null], err)
      assert.ok(killed >= Math.min(2, KILLS), `it was killed ${killed} times`)
      assert.equal(readFileSync(out, 'utf8'), readFileSync(whole.out, 'utf8'))
      assert.deepEqual((await velo(['journal', 'ls', dir[1]])).out, 'no streams\n')
    })
  }

  test('on stdout each result comes under its index, those that were not delivered once more', async () => {
    const dice = random(SEED)
    const { dir } = place()
    const { code, err, lives } = await throughKills(['run', replayed, ...dir, '--id', 'x', input], dice)
    assert.equal(code, 0, err)
    const results = []
    for (const life of lives) {
      const first = Number(/goes on behind \d+ events and (\d+) results/.exec(life.err)?.[1] ?? 0)
      // The last line of one that was killed may be a part.
      const lines = life.out.split('\n').slice(0, -1)
      for (const [at, line] of lines.entries()) {
        assert.ok([undefined, line].includes(results[first + at]), `result ${first + at} is the same again`)
        results[first + at] = line
      }
      assert.equal(results.length, Object.keys(results).length, 'none is missing')
    }
    const plain = await velo(['run', replayed, input])
    assert.deepEqual(results, plain.out.split('\n').slice(0, -1))
  })
})

/** The same function with results of the same columns. */
function columns(file) {
  return `import fn from ${JSON.stringify(`file://${file}`)}
  export { options } from ${JSON.stringify(`file://${file}`)}
  export default async function* (events, ctx) {
    for await (const { seen, total = '', twice = '', text = 'two\\nlines' } of fn(events, ctx)) yield { seen, total, twice, text }
  }`
}

describe('what goes on', () => {
  test('with state nothing of the source is kept, without it everything that was taken', async () => {
    for (const [file, isKept] of [
      [stateful, false],
      [replayed, true],
    ]) {
      const { data, dir } = place()
      const { signal } = await velo(['run', file, ...dir, '--id', 'x', input], { env: { DIE_AT: '150' } })
      assert.equal(signal, 'SIGKILL')
      const { code, out } = await velo(['journal', 'export', data])
      assert.equal(code, 0)
      const kinds = new Set(values(out).map(({ kind }) => kind))
      assert.deepEqual([kinds.has('event'), kinds.has('state')], [isKept, !isKept])
    }
  })

  test('Ctrl-C leaves it for later, and nothing is given twice', async () => {
    const { dir } = place()
    const run = start(['run', replayed, ...dir, '--resume', 'x', input])
    assert.equal((await run.ended()).code, 2)
    const first = start(['run', replayed, ...dir, '--id', 'x', input])
    await first.err(/^at 20$/m)
    first.child.kill('SIGINT')
    const one = await first.ended()
    assert.equal(one.code, 130)
    assert.match(one.err, /stream x is kept: the same command with --resume x goes on/)
    const two = await velo(['run', replayed, ...dir, '--resume', 'x', input])
    assert.equal(two.code, 0, two.err)
    assert.equal(one.out + two.out, (await velo(['run', replayed, input])).out)
  })

  test('a line that is wrong interrupts it: mended, it goes on there', async () => {
    const { dir, out } = place()
    const broken = write('broken.ndjson', `${ndjson(numbers.slice(0, 100))}{"n":\n${ndjson(numbers.slice(101))}`)
    const args = ['run', replayed, ...dir, '--out-file', out, broken]
    const wrong = await velo([...args, '--id', 'x', '--json'])
    const said = JSON.parse(wrong.err.trim().split('\n').at(-1))
    assert.deepEqual([wrong.code, said.exitCode, said.error.name, said.stream], [2, 2, 'InputError', { id: 'x', was: null, left: true }])
    assert.match(said.error.message, /line 101 is no JSON/)
    writeFileSync(broken, ndjson(numbers))
    const { code, err } = await velo([...args, '--resume', 'x', '--json'])
    assert.equal(code, 0, err)
    const { stream, events } = JSON.parse(err.trim().split('\n').at(-1))
    assert.deepEqual([stream.was.events, stream.left, events], [100, false, 200])
    assert.equal(readFileSync(out, 'utf8'), (await velo(['run', replayed, input])).out)
  })

  test('an id is made and said where none is given', async () => {
    const { dir } = place()
    const { err } = await velo(['run', replayed, ...dir, input], { env: { DIE_AT: '30' } })
    const id = /velo: the stream is kept as ([\w-]+)\n/.exec(err)[1]
    const again = await velo(['run', replayed, ...dir, '--resume', id, '--quiet', input])
    assert.equal(again.code, 0, again.err)
    assert.doesNotMatch(again.err, /velo:/)
  })

  test('a function that has a journal of its own goes on without --durable', async () => {
    const { data } = place()
    const own = write(
      'own.mjs',
      `import { streamFn } from ${JSON.stringify(import.meta.resolve('velo-stream'))}
      import { journal } from ${JSON.stringify(import.meta.resolve('velo-stream/durable'))}
      import fn from ${JSON.stringify(`file://${replayed}`)}
      export default streamFn(fn, { name: 'own', durable: journal(${JSON.stringify(data)}) })`,
    )
    assert.equal((await velo(['run', own, '--id', 'x', input], { env: { DIE_AT: '40' } })).signal, 'SIGKILL')
    const { code, err } = await velo(['run', own, '--resume', 'x', input])
    assert.equal(code, 0, err)
    assert.match(err, /stream x goes on behind \d+ events/)
    const without = await velo(['run', replayed, '--id', 'x', input])
    assert.deepEqual([without.code, without.out], [2, ''])
    assert.match(without.err, /--id and --resume need --durable <folder>, or a function that has the option durable/)
  })

  test('a reader that goes away leaves it for later', async () => {
    const { dir } = place()
    const run = start(['run', replayed, ...dir, '--id', 'x', input], { input: '' })
    await run.out(/\n/)
    run.child.stdout.destroy()
    const { code } = await within(30_000, run.ended())
    assert.equal(code, 0)
    const { out } = await velo(['journal', 'ls', dir[1], '--json'])
    assert.equal(values(out)[0].id, 'x')
  })

  test('what the function throws ends the stream', async () => {
    const { dir } = place()
    const throwing = write(
      'throwing.mjs',
      'export default async function* (events) { for await (const { n } of events) { if (n === 9) throw new Error("nine"); yield n } }',
    )
    const { code, out, err } = await velo(['run', throwing, ...dir, '--id', 'x', input])
    assert.deepEqual([code, out], [1, ndjson([0, 1, 2, 3, 4, 5, 6, 7, 8])])
    assert.match(err, /Error: nine/)
    assert.equal((await velo(['journal', 'ls', dir[1]])).out, 'no streams\n')
  })
})

describe('what is refused', () => {
  test('what cannot be meant, before anything is written', async () => {
    const { dir, out } = place()
    const cases = [
      [[replayed, '--out-file', out, input], /--out-file is for a stream that is kept/],
      [[replayed, ...dir, '--id', 'a', '--resume', 'b', input], /--id and --resume exclude each other/],
      [[replayed, ...dir, input, input], /--durable keeps one stream: give one input/],
      [[replayed, ...dir, '--out-dir', path, input], /--out-dir and --durable exclude each other/],
      [[replayed, ...dir, '--out-file', input, input], /would be overwritten by the results/],
      [[replayed, ...dir, '--resume', 'x', input], /no such folder/],
      [[replayed, ...dir, '--out-file', path, input], /it cannot be opened: EISDIR/],
      ...(process.platform === 'win32' ? [] : [[[replayed, ...dir, '--out-file', '/dev/null', input], /it is no file that could be cut/]]),
    ]
    for (const [args, message] of cases) {
      const { code, out: said, err } = await velo(['run', ...args])
      assert.deepEqual([code, said], [2, ''], err)
      assert.match(err, message)
    }
    assert.equal(existsSync(out), false)
  })

  test('another input, another file for the results, another stream', async () => {
    const { dir, out } = place()
    const args = ['run', stateful, ...dir, '--out-file', out]
    assert.equal((await velo([...args, '--id', 'x', input], { env: { DIE_AT: '200' } })).signal, 'SIGKILL')
    const { results } = values((await velo(['journal', 'ls', dir[1], '--json'])).out)[0]
    const few = write('few.ndjson', ndjson(numbers.slice(0, 3)))
    const kept = readFileSync(out)
    for (const [more, message] of [
      [['--resume', 'x', few], /the input has 3 events, and \d+ were taken before: it is not the one that was interrupted/],
      [['--resume', 'y', input], /no stream "y" of stateful was interrupted: it has ended, or never began \(these are: "x"\)/],
    ]) {
      const { code, err } = await velo([...args, ...more])
      assert.equal(code, 2, err)
      assert.match(err, message)
    }
    // What is delivered is still there.
    assert.ok(kept.toString().startsWith(readFileSync(out, 'utf8')))
    truncateSync(out, 10)
    const short = await velo([...args, '--resume', 'x', input])
    assert.equal(short.code, 2, short.err)
    assert.match(short.err, new RegExp(`has 0 of the ${results} results that were delivered`))
    writeFileSync(out, kept)
    appendFileSync(out, 'a part of a li')
    assert.equal((await velo([...args, '--resume', 'x', input])).code, 0)
    assert.equal(readFileSync(out, 'utf8'), (await velo(['run', replayed, input])).out)
  })

  test('a folder in use, with the process that has it', async () => {
    const { dir, data } = place()
    const first = start(['run', replayed, ...dir, '--id', 'x'])
    first.stdin.write(ndjson([{ n: 1 }]))
    await first.err(/^at 1$/m)
    const pid = new RegExp(`in use by process ${first.child.pid}\\b`)
    for (const args of [
      ['run', replayed, ...dir, '--id', 'y', input],
      ['journal', 'ls', data],
      ['journal', 'verify', data],
    ]) {
      const { code, out, err } = await velo(args)
      assert.deepEqual([code, out], [1, ''], err)
      assert.match(err, pid)
    }
    first.child.kill('SIGKILL')
    await first.ended()
    assert.equal((await velo(['journal', 'verify', data])).code, 0)
  })

  test('a result of text with a line end in it, where lines say how far a file goes', async () => {
    const { dir, out } = place()
    const lines = write(
      'lines.mjs',
      'export default async function* (events) { for await (const event of events) yield event + "\\n" + event }',
    )
    const { code, err } = await velo(['run', lines, ...dir, '--text', '--out-file', out], { input: 'a\n' })
    assert.equal(code, 1, err)
    assert.match(err, /a result has a line end in it/)
  })
})
