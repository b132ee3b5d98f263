// `velo run`: a stream function over stdin, with real processes.

import assert from 'node:assert/strict'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { folder, ndjson, start, values, velo } from './command.mjs'

const { path, write } = folder()

const average = write(
  'average.mjs',
  `export default async function* average(events) {
    let total = 0, count = 0
    for await (const event of events) yield (total += event) / ++count
  }
  export async function* sum(events) {
    let total = 0
    for await (const event of events) total += event
    yield { total }
  }
  export const notOne = 5`,
)
const failing = write(
  'failing.mjs',
  `export default async function* failing(events) {
    for await (const event of events) {
      if (event === 3) throw new TypeError('three is too many')
      yield event
    }
  }`,
)
const made = write(
  'made.mjs',
  `import { streamFn } from ${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)}
  export default streamFn(async function* twice(events) { for await (const event of events) yield event * 2 })`,
)
/** Says what it does on stderr. */
const telling = write(
  'telling.mjs',
  `export default async function* telling(events) {
    let count = 0
    try {
      for await (const event of events) { count++; yield event; process.stderr.write('took ' + event + '\\n') }
      yield { last: count }
    } finally { process.stderr.write('finally\\n') }
  }`,
)
const stuck = write(
  'stuck.mjs',
  `export default async function* stuck(events, { signal }) {
    for await (const event of events) {
      yield event
      process.stderr.write('stuck\\n')
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    }
  }`,
)

test('NDJSON in, NDJSON out', async () => {
  assert.deepEqual(await velo(['run', average], { input: '1\n2\n3\n' }), { code: 0, signal: null, out: '1\n1.5\n2\n', err: '' })
})

test('CRLF, empty lines, a byte order mark, no line end behind the last line', async () => {
  assert.equal((await velo(['run', average], { input: '\ufeff1\r\n\r\n  \n2\n3' })).out, '1\n1.5\n2\n')
})

test('no input is no event', async () => {
  assert.deepEqual(await velo(['run', average, '--export', 'sum'], { input: '' }), { code: 0, signal: null, out: '{"total":0}\n', err: '' })
})

test('a stream function as it is', async () => {
  assert.equal((await velo(['run', made], { input: '1\n2\n' })).out, '2\n4\n')
})

test('on a worker thread', async () => {
  assert.equal((await velo(['run', average, '--worker', '--export', 'sum'], { input: '1\n2\n' })).out, '{"total":3}\n')
})

test('stdin and stdout are files: a hundred thousand events arrive in order', async () => {
  const count = 100_000
  const list = Array.from({ length: count }, (_, index) => index)
  const from = openSync(write('many.ndjson', ndjson(list)), 'r')
  const to = openSync(join(path, 'many.out'), 'w')
  const ended = await start(['run', made], { stdin: from, stdout: to }).ended()
  closeSync(from)
  closeSync(to)
  assert.equal(ended.code, 0, ended.err)
  assert.deepEqual(
    values(readFileSync(join(path, 'many.out'), 'utf8')),
    list.map((n) => n * 2),
  )
})

test('text: lines are strings, and so are results that are strings', async () => {
  const echo = write(
    'echo.mjs',
    "export default async function* (events) { let n = 0; for await (const line of events) { yield '<' + line + '>'; yield n++ } }",
  )
  assert.equal((await velo(['run', echo, '--text'], { input: 'a\n\n"b"\r\n' })).out, '<a>\n0\n<>\n1\n<"b">\n2\n')
})

test('CSV: rows are objects; results are NDJSON, or CSV on request', async () => {
  const rows = write(
    'rows.mjs',
    'export default async function* (events) { for await (const { name, age } of events) yield { name, next: Number(age) + 1 } }',
  )
  const input = 'name,age\r\n"Smith, ""J""",41\r\nBob,7\n'
  assert.deepEqual(values((await velo(['run', rows, '--csv'], { input })).out), [
    { name: 'Smith, "J"', next: 42 },
    { name: 'Bob', next: 8 },
  ])
  assert.equal((await velo(['run', rows, '--csv', '--out', 'csv'], { input })).out, 'name,next\n"Smith, ""J""",42\nBob,8\n')
})

test('the function fails: the results before it are written, the error is on stderr with its place, exit code 1', async () => {
  const { code, out, err } = await velo(['run', failing], { input: '1\n2\n3\n4\n' })
  assert.deepEqual([code, out], [1, '1\n2\n'])
  assert.match(err, /^velo: TypeError: three is too many/)
  assert.match(err, /failing\.mjs:3/)
})

test('a malformed line: the results before it are written, its number is on stderr, the function is cleaned up, exit code 2', async () => {
  const { code, out, err } = await velo(['run', telling], { input: '1\n\n{"a":\n4\n' })
  assert.deepEqual([code, out], [2, '1\n'])
  assert.match(err, /finally\n.*velo: line 3 is no JSON: /s)
})

test('a function that catches the malformed line does not hide it', async () => {
  const catching = write(
    'catching.mjs',
    `export default async function* (events) { try { for await (const e of events) yield e } catch { yield 'caught' } }`,
  )
  const { code, out } = await velo(['run', catching], { input: '1\nnope\n' })
  assert.deepEqual([code, out], [2, '1\n"caught"\n'])
})

test('--skip-malformed leaves such lines out and says how many', async () => {
  const input = Buffer.concat([Buffer.from('1\nnope\n3\n"'), Buffer.from([0xff]), Buffer.from(`"\n[${'1'.repeat(80)}]\n5\n`)])
  const { code, out, err } = await velo(['run', average, '--skip-malformed', '--max-line', '50'], { input })
  assert.deepEqual([code, out, err], [0, '1\n2\n3\n', 'velo: 3 malformed lines were left out\n'])
})

test('a line that is too long, and one that is not UTF-8', async () => {
  const long = await velo(['run', average, '--max-line', '100'], { input: `1\n${'2'.repeat(101)}\n` })
  assert.deepEqual([long.code, long.out, long.err], [2, '1\n', 'velo: line 2 is longer than 100 bytes; --max-line sets the limit\n'])
  const endless = await velo(['run', average, '--max-line', '100000'], { input: `1\n${'2'.repeat(1_000_000)}` })
  assert.deepEqual([endless.code, endless.out], [2, '1\n'])
  const invalid = await velo(['run', average], { input: Buffer.from([0x31, 10, 0x22, 0xc3, 0x22, 10]) })
  assert.deepEqual([invalid.code, invalid.out, invalid.err], [2, '1\n', 'velo: line 2 is not UTF-8\n'])
})

test('a result that is no JSON', async () => {
  const odd = write('odd.mjs', 'export default async function* () { yield undefined; yield 1n }')
  const { code, out, err } = await velo(['run', odd])
  assert.deepEqual([code, out], [1, 'null\n'])
  assert.match(err, /a result cannot be written as JSON: .*BigInt/)
})

test('results come while the input is still open', async () => {
  const { stdin, out, ended } = start(['run', average])
  stdin.write('4\n')
  await out(/^4\n/)
  stdin.write('6\n')
  await out(/^4\n5\n/)
  stdin.end()
  assert.equal((await ended()).code, 0)
})

test('Ctrl-C ends the input: the function finishes, finally runs, its results are written, exit code 130', async () => {
  const { child, stdin, err, ended } = start(['run', telling])
  stdin.write('1\n2\n')
  await err(/took 2/)
  child.kill('SIGINT')
  const { code, signal, out, err: said } = await ended()
  assert.deepEqual([code, signal, out], [130, null, '1\n2\n{"last":2}\n'])
  assert.match(said, /finally\n$/)
})

test('SIGTERM does the same with exit code 143', async () => {
  const { child, stdin, err, ended } = start(['run', telling])
  stdin.write('1\n')
  await err(/took 1/)
  child.kill('SIGTERM')
  const { code, out } = await ended()
  assert.deepEqual([code, out], [143, '1\n{"last":1}\n'])
})

test('a second Ctrl-C aborts a function that does not finish', async () => {
  const { child, stdin, err, ended } = start(['run', stuck])
  stdin.write('1\n2\n')
  await err(/stuck/)
  child.kill('SIGINT')
  // Signals of one kind that wait are one: the second is sent until it is heard.
  const again = setInterval(() => child.kill('SIGINT'), 50)
  const { code, out } = await ended()
  clearInterval(again)
  assert.deepEqual([code, out], [130, '1\n'])
})

test('a reader that goes away ends it quietly, also while the input is silent', async () => {
  const endless = write(
    'endless.mjs',
    `export default async function* () { try { for (let i = 0; ; i++) yield i } finally { process.stderr.write('finally\\n') } }`,
  )
  const first = start(['run', endless])
  await first.out(/\n/)
  first.child.stdout.destroy()
  const { code, err } = await first.ended()
  assert.deepEqual([code, err], [0, 'finally\n'])
  const second = start(['run', telling])
  second.stdin.write('1\n')
  await second.err(/took 1/)
  second.child.stdout.destroy()
  second.stdin.write('2\n')
  const silent = await second.ended()
  assert.equal(silent.code, 0)
  assert.match(silent.err, /finally\n$/)
})

test('a disk that is full: exit code 1 and the reason', async () => {
  if (process.platform !== 'linux') return
  const full = openSync('/dev/full', 'w')
  const { code, err } = await start(['run', average], { input: '1\n', stdout: full }).ended()
  closeSync(full)
  assert.equal(code, 1)
  assert.match(err, /the results cannot be written: ENOSPC/)
})

test('a slow reader makes the function wait', async () => {
  const counting = write(
    'counting.mjs',
    `let n = 0
    process.on('SIGUSR2', () => process.stderr.write('at ' + n + '\\n'))
    export default async function* () { process.stderr.write('go\\n'); for (; n < 2e6; n++) { if (n % 1000 === 0) await new Promise(setImmediate); yield 'x'.repeat(1000) } }`,
  )
  const { child, err, ended } = start(['run', counting], { input: '' })
  child.stdout.pause()
  await err(/go/)
  // Twice the same count: it stands still, far from the end.
  let seen = -1
  for (let turn = 0; ; turn++) {
    child.kill('SIGUSR2')
    const [, at] = await err(new RegExp(`(?:at \\d+\\n){${turn}}at (\\d+)\\n`))
    if (Number(at) > 0 && Number(at) === seen) break
    seen = Number(at)
  }
  assert.ok(seen < 100_000, `${seen} results for a reader that reads nothing`)
  child.kill('SIGKILL')
  assert.equal((await ended()).signal, 'SIGKILL')
})

test('--json says how it ended on one line', async () => {
  const done = await velo(['run', average, '--json'], { input: '1\n2\n' })
  const { ms, ...rest } = JSON.parse(done.err)
  assert.ok(ms >= 0)
  assert.deepEqual([done.code, rest], [0, { exitCode: 0, events: 2, results: 2, skipped: 0 }])
  const failed = await velo(['run', failing, '--json'], { input: '3\n' })
  const { error, exitCode } = JSON.parse(failed.err)
  assert.deepEqual([exitCode, error.name, error.message], [1, 'TypeError', 'three is too many'])
  const wrong = await velo(['run', average, '--json', '--nope'])
  assert.equal(JSON.parse(wrong.err).exitCode, 2)
})

test('--progress shows counts on stderr; without a terminal there is none by default', async () => {
  const { code, err } = await velo(['run', average, '--progress'], { input: '1\n2\n' })
  assert.equal(code, 0)
  assert.match(err, /2 events, 2 results, [\d,]+ events\/s, [\d.]+ s\n$/)
})

test('what is wrong with the function is said, exit code 2', async () => {
  const cases = [
    [['run', join(path, 'missing.mjs')], /missing\.mjs: no such file/],
    [['run', average, '--export', 'other'], /has no export 'other'; it has: default, notOne, sum \(--export chooses one\)/],
    [['run', average, '--export', 'notOne'], /expected an async generator function/],
    [['run', average, '--worker', '--export', 'other'], /has no export 'other'/],
    [['run', average, join(path, 'missing.ndjson')], /missing\.ndjson: no such file/],
  ]
  for (const [args, message] of cases) {
    const { code, err, out } = await velo(args)
    assert.deepEqual([code, out], [2, ''], err)
    assert.match(err, message)
  }
})

test('a module that cannot be loaded shows its own error', async () => {
  const broken = write('broken.mjs', `throw new Error('no database')`)
  const { code, err } = await velo(['run', broken])
  assert.equal(code, 1)
  assert.match(err, /Error: no database[\s\S]*broken\.mjs:1/)
})
