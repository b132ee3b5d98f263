// `velo run` over files: each is a stream of its own, one after the other or several at once.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { folder, values, velo } from './command.mjs'

const { path, write } = folder()
const sum = write(
  'sum.mjs',
  'export default async function* (events) { let s = 0; for await (const e of events) { if (e === 13) throw new Error("thirteen"); s += e } yield s }',
)
const a = write('a.ndjson', '1\n2\n')
const b = write('b.ndjson', '10\n20\n')
const bad = write('bad.ndjson', '1\n13\n')

test('files one after the other, each a stream of its own, results to stdout', async () => {
  assert.deepEqual(await velo(['run', sum, a, b]), { code: 0, signal: null, out: '3\n30\n', err: '' })
})

test('many files leave nothing behind on stdout', async () => {
  const { code, out, err } = await velo(['run', sum, ...Array.from({ length: 25 }, () => a)])
  assert.deepEqual([code, out, err], [0, '3\n'.repeat(25), ''])
})

test('a folder for the results that cannot be written to', async () => {
  const { code, err } = await velo(['run', sum, a, '--out-dir', join(a, 'x')])
  assert.equal(code, 2)
  assert.match(err, /^velo: --out-dir .*: the folder cannot be made: ENOTDIR.*\n$/)
})

test('one that fails is named, the others are not touched by it', async () => {
  const { code, out, err } = await velo(['run', sum, a, bad, b])
  assert.deepEqual([code, out], [1, '3\n30\n'])
  assert.match(err, /bad\.ndjson: Error: thirteen/)
})

test('--out-dir: a file each, several at once', async () => {
  // They meet: each waits until the other has begun.
  const meeting = write(
    'meeting.mjs',
    `let open = 0, both; const met = new Promise((resolve) => { both = resolve })
    export default async function* (events) { if (++open === 2) both(); await met; yield* events }`,
  )
  const to = join(path, 'results', 'deep')
  const { code, err, out } = await velo(['run', meeting, a, b, '--concurrency', '2', '--out-dir', to])
  assert.deepEqual([code, out], [0, ''], err)
  assert.equal(readFileSync(join(to, 'a.ndjson'), 'utf8'), '1\n2\n')
  assert.equal(readFileSync(join(to, 'b.ndjson'), 'utf8'), '10\n20\n')
})

test('JSON on any number of lines, tabs, and files that are packed', async () => {
  const same = write('same.mjs', 'export default async function* (events) { yield* events }')
  const json = ['[10,20]', '[\n  10,\n  20\n]\n', '10\n20\n', '{"a":\n1}\n[2]'].map((text, n) => write(`data${n}.json`, text))
  const outs = []
  for (const file of json) outs.push(values((await velo(['run', same, file])).out))
  assert.deepEqual(outs, [
    [10, 20],
    [10, 20],
    [10, 20],
    [{ a: 1 }, 2],
  ])
  const tsv = write('data.tsv', 'a\tb\n1\t"x,y"\n')
  assert.deepEqual(values((await velo(['run', same, tsv, '--types'])).out), [{ a: 1, b: 'x,y' }])
  for (const [name, text] of [
    ['packed.json.gz', '[10,20]'],
    ['packed.ndjson.GZ', '10\n20\n'],
  ]) {
    const file = join(path, name)
    writeFileSync(file, gzipSync(text))
    assert.deepEqual(values((await velo(['run', same, file])).out), [10, 20])
  }
  for (const [name, bytes, says] of [
    ['cut.json', '[1,', /cut\.json: the input cannot be read: the body ends within value 2/],
    ['cut.gz', gzipSync('1\n').subarray(0, 15), /cut\.gz: the input cannot be read: unexpected end of file/],
    ['none.gz', '1\n', /none\.gz: the input cannot be read: incorrect header check/],
  ]) {
    const file = join(path, name)
    writeFileSync(file, bytes)
    const { code, err } = await velo(['run', same, file])
    assert.equal(code, 2, err)
    assert.match(err, says)
  }
})

test('what cannot be meant is refused before anything is written', async () => {
  const twin = join(path, '.', 'x')
  const cases = [
    [[sum, a, b, '--concurrency', '2'], /--concurrency needs --out-dir/],
    [[sum, '--out-dir', twin], /--out-dir needs input files/],
    [[sum, a, a, '--out-dir', twin], /would both be written to/],
    [[sum, a, '--out-dir', path], /would be overwritten by the results/],
    [[sum, a, '--out-dir', twin, '--concurrency', '0'], /--concurrency: expected an integer from 1 to 1000, got 0/],
    [[sum, a, '--concurrency', 'many'], /--concurrency: expected an integer from 1 to 1000, got many/],
    [[sum, a, '--concurrency', '1', '--concurrency', '2'], /--concurrency is given 2 times/],
    [[sum, a, '--csv', '--text'], /exclude each other/],
    [[sum, a, '--progress', '--quiet'], /exclude each other/],
    [[sum, a, '--out', 'xml'], /--out: expected ndjson or text or csv, got xml/],
    [[sum, a, '--out-dir'], /value is missing/],
  ]
  for (const [args, message] of cases) {
    const { code, err, out } = await velo(['run', ...args])
    assert.deepEqual([code, out], [2, ''], err)
    assert.match(err, message)
  }
  assert.equal(existsSync(twin), false)
  assert.equal(readFileSync(a, 'utf8'), '1\n2\n')
})

test('an input is never overwritten, by whatever name it goes', async () => {
  const logs = join(path, 'logs')
  mkdirSync(logs)
  writeFileSync(join(logs, 'x.ndjson'), '5\n')
  writeFileSync(join(path, 'x.log'), '6\n')
  symlinkSync(logs, join(path, 'link'), 'junction')
  symlinkSync(join(logs, 'x.ndjson'), join(path, 'other.ndjson'), 'file')
  const cases = [
    [join(logs, 'x.ndjson'), '--out-dir', join(path, 'link')],
    [join(path, 'x.log'), join(path, 'other.ndjson'), '--out-dir', logs],
  ]
  for (const args of cases) {
    const { code, err } = await velo(['run', sum, ...args])
    assert.equal(code, 2, err)
    assert.match(err, /ndjson would be overwritten by the results/)
    assert.equal(readFileSync(join(logs, 'x.ndjson'), 'utf8'), '5\n')
  }
})

test('a folder whose name looks like a number keeps it', async () => {
  for (const [name, ...args] of [
    ['2024.10', '--out-dir', '2024.10'],
    ['007', '--out-dir=007'],
  ]) {
    const { code, err } = await velo(['run', sum, a, ...args], { cwd: path })
    assert.deepEqual([code, readFileSync(join(path, name, 'a.ndjson'), 'utf8')], [0, '3\n'], err)
  }
})

if (process.platform !== 'win32') {
  test('an input may be a pipe with a name, as of <(zcat log.gz), but no folder', async () => {
    const pipe = join(path, 'pipe')
    execFileSync('mkfifo', [pipe])
    const fed = velo(['run', sum, pipe])
    execFileSync('sh', ['-c', 'printf "1\\n2\\n" > "$0"', pipe], { timeout: 20_000 })
    assert.deepEqual(await fed, { code: 0, signal: null, out: '3\n', err: '' })
    const named = await velo(['run', sum, path])
    assert.deepEqual([named.code, named.err.includes('no such file')], [2, true])
    const stdin = openSync(path, 'r')
    const redirected = await velo(['run', sum], { stdin, input: undefined })
    closeSync(stdin)
    assert.equal(redirected.code, 2)
    assert.match(redirected.err, /the input is a folder/)
  })
}

test('a file behind -- is an input, too', async () => {
  const dashed = write('-dashed.ndjson', '5\n')
  for (const args of [
    [sum, '--', a],
    ['--', sum, a],
    [sum, '--quiet', '--', a],
  ])
    assert.deepEqual(await velo(['run', ...args]), { code: 0, signal: null, out: '3\n', err: '' })
  assert.equal((await velo(['run', sum, '--', '-dashed.ndjson'], { cwd: join(dashed, '..') })).out, '5\n')
})

test('what is no function is refused in a sentence', async () => {
  const pem = write('key.pem', '-----BEGIN PRIVATE KEY-----')
  const cases = [
    [[path, a], /is a folder: expected a file with a function/],
    [[pem, a], /key\.pem is no JavaScript: expected a module, \.js or \.mjs/],
    [[sum, a, '--out-dir', b], /--out-dir .*b\.ndjson: the folder cannot be made: EEXIST/],
    [[join(sum, 'x'), a], /no such file/],
    [[sum, join(a, 'x')], /no such file/],
  ]
  for (const [args, message] of cases) {
    const { code, out, err } = await velo(['run', ...args])
    assert.deepEqual([code, out], [2, ''], err)
    assert.match(err, message)
    assert.doesNotMatch(err, /^\s+at /m)
  }
})

test('a module that cannot be parsed: file, line, and what to do', async () => {
  mkdirSync(join(path, 'common'))
  write('common/package.json', '{ "type": "commonjs" }')
  const typical = write('common/f.js', 'export default async function* (events) { yield* events }')
  const { code, err } = await velo(['run', typical, a])
  assert.equal(code, 2)
  assert.match(
    err,
    /f\.js is written as an ES module, but .*package\.json says "type": "commonjs": name it \.mjs, or set "type": "module" there/,
  )
  const broken = write('broken.mjs', 'const one = 1\n\nexport default async function* (events) { yield* }\n')
  const told = await velo(['run', broken, a])
  assert.equal(told.code, 2)
  assert.match(told.err, /broken\.mjs cannot be read:\n.*broken\.mjs:3\n/)
  assert.match(told.err, /SyntaxError: /)
  const threaded = await velo(['run', broken, '--worker', a])
  assert.deepEqual([threaded.code, threaded.err], [2, told.err])
  assert.match((await velo(['run', typical, '--worker', a])).err, /name it \.mjs, or set "type": "module" there/)
  const throwing = write('throwing.mjs', 'throw new SyntaxError("mine")')
  assert.match((await velo(['run', throwing, a])).err, /SyntaxError: mine/)
})

const same = write('same.mjs', 'export default async function* (events) { yield* events }')

test('CSV is known by the name of the file; values are texts, with --types numbers and booleans', async () => {
  const text = 'id,price,paid,zip,note\n7,1.50,true,01234,\n9007199254740993,-2e3,false,+4,NaN\n'
  const csv = write('orders.CSV', text)
  const [first] = values((await velo(['run', same, csv])).out)
  assert.deepEqual(first, { id: '7', price: '1.50', paid: 'true', zip: '01234', note: '' })
  const typed = [
    { id: 7, price: 1.5, paid: true, zip: '01234', note: '' },
    { id: '9007199254740993', price: -2000, paid: false, zip: '+4', note: 'NaN' },
  ]
  assert.deepEqual(values((await velo(['run', same, csv, '--types'])).out), typed)
  assert.deepEqual(values((await velo(['run', same, '--csv', '--types'], { input: text })).out), typed)
  // Each file by its own name, unless something is said for all of them.
  assert.deepEqual(values((await velo(['run', same, a, csv, '--types'])).out), [1, 2, ...typed])
  assert.equal((await velo(['run', same, '--text', csv])).out, text)
  const { code, err } = await velo(['run', same, a, '--types'])
  assert.deepEqual([code, err], [2, 'velo: --types is for CSV: an input whose name ends with .csv or .tsv, or --csv\n'])
  assert.match((await velo(['run', '--help'])).out, /--types .*all values are texts otherwise/)
})

test('CSV whose lines end with a carriage return alone is refused', async () => {
  for (const text of ['a,b\r1,2\r3,4\r', 'a,b\n"1",2\r"3",4\n', 'a,b\n1\r2,3\n', 'a\n"1"\r"3"\n']) {
    const { code, err } = await velo(['run', same, '--csv'], { input: text })
    assert.equal(code, 2, err)
    assert.match(err, /line [12] is no CSV: a carriage return without a line feed behind it/)
  }
  const { out } = await velo(['run', same, '--csv'], { input: 'a,b\r\n"1\r2",3\r\n' })
  assert.deepEqual(values(out), [{ a: '1\r2', b: '3' }])
})
