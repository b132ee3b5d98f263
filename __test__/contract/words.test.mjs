// The words of the house, plain ASCII, and nothing in the files that belongs to a machine they were written on.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { homedir, hostname, userInfo } from 'node:os'
import { test } from 'node:test'
import { files, root, SOURCE, text } from '../support/sources.mjs'

const TEXT = /\.(ts|mjs|cjs|js|rs|md|json|toml|yml|yaml|lock)$|^\.ci\/|^LICENSE$|^\.gitignore$/

/** Lines of `name` that match, each with its number. */
function lines(name, pattern) {
  return text(name)
    .split('\n')
    .flatMap((line, index) => (pattern.test(line) ? [`${name}:${index + 1}: ${line.trim().slice(0, 120)}`] : []))
}

/** What users read: pages, and the doc comments and messages of the public modules. */
function publicText() {
  return files(/^(README\.md|CHANGELOG\.md|docs\/.*\.md|index\.d\.ts|js\/[^/]+\.ts)$/)
}

const AVOIDED = {
  'high-water mark': 'buffer',
  'high water mark': 'buffer',
  'input queue': 'input channel',
  'output queue': 'output channel',
  'rate limit': 'admission',
  'in-flight': 'under way',
  'user-defined function': 'stream function',
  UDF: 'stream function',
  'processor function': 'stream function',
  'input item': 'event',
  'input record': 'event',
  'output item': 'result',
  'output record': 'result',
  datum: 'event',
  'graceful shutdown': 'drain',
  'hard kill': 'abort',
  'stream processor': 'stream function',
  actor: 'stream',
  topology: 'pipeline',
  'dead letter': 'dropped',
  'back-pressure': 'backpressure',
  'back pressure': 'backpressure',
  timeoutMs: 'timeout',
}

test('public pages use the words of the glossary', () => {
  for (const [avoided, word] of Object.entries(AVOIDED)) {
    const pattern = new RegExp(`\\b${avoided}s?\\b`, avoided === 'UDF' || avoided === 'timeoutMs' ? '' : 'i')
    assert.deepEqual(
      publicText().flatMap((name) => lines(name, pattern)),
      [],
      `say ${word}`,
    )
  }
})

test('the glossary covers what the code says: every state and reason is a word of the types', () => {
  const types = text('js/kit/types.ts')
  assert.match(types, /StreamState = 'waiting' \| 'open' \| 'ending' \| 'closing' \| 'closed'/)
  assert.match(text('js/kit/end-reason.ts'), /EndReason = 'done' \| 'closed' \| 'idle' \| 'aborted' \| 'failed'/)
})

test('names are spelled the American way', () => {
  const stem = '([bB]ehaviour|[cC]olour|[sS]erialis|[iI]nitialis|[nN]ormalis|[oO]ptimis|[sS]ynchronis)'
  const british = new RegExp(`\\b\\w*${stem}\\w*\\(|\\b(const|let|function|fn|class|struct|enum|type)\\s+\\w*${stem}`)
  assert.deepEqual(
    files(SOURCE).flatMap((name) => lines(name, british)),
    [],
  )
})

test('sources are ASCII', () => {
  const beyond = /[^\t\r\n -~]/
  const sources = files(/^(js|crates|\.ci|bench|examples|__test__)\/.*\.(ts|mjs|js|rs)$/)
  assert.deepEqual(
    sources.flatMap((name) => lines(name, beyond)),
    [],
  )
})

test('no note says that something is left to do', () => {
  const note = new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X', 'HA' + 'CK'].join('|')})\\b`)
  assert.deepEqual(
    files(/^(js|crates|\.ci|bench|examples|__test__)\/.*\.(ts|mjs|js|rs)$/).flatMap((name) => lines(name, note)),
    [],
  )
})

test('no file names a package registry or a path of the machine it was written on', () => {
  const asked = spawnSync('npm', ['config', 'get', 'registry'], { cwd: root, encoding: 'utf8', shell: process.platform === 'win32' })
  const hosts = ['registry.' + 'npmjs.org', 'registry.' + 'yarnpkg.com', 'index.' + 'crates.io', 'static.' + 'crates.io']
  if (URL.canParse(asked.stdout?.trim() ?? '')) hosts.push(new URL(asked.stdout.trim()).host)
  const folders = [root.slice(0, -1), homedir(), `/home/${userInfo().username}`].map((folder) => folder.replaceAll('\\', '/'))
  const words = [...hosts, ...folders.filter((folder) => folder.length > 1).map((folder) => `${folder}/`), hostname()]
  const escaped = words.filter((word) => word.length > 4).map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  const pattern = new RegExp(`(?<![\\w.-])(${escaped.join('|')})`)
  const others = /(?<![\w./-])\/(work|home|Users|root)\/\w/
  assert.deepEqual(
    files(TEXT).flatMap((name) => [...lines(name, pattern), ...lines(name, others)]),
    [],
  )
})
