// The workflows run what .ci/run runs, so that neither passes where the other fails. That they are well-formed is what .ci/actionlint says.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { files, text } from '../support/sources.mjs'

const { scripts } = JSON.parse(text('package.json'))
const ci = text('.github/workflows/ci.yml')

/** The commands that a script of package.json runs in the end. */
function commands(name) {
  return scripts[name].split(' && ').flatMap((command) => {
    const [, inner] = /^npm (?:run )?(\S+)$/.exec(command) ?? []
    return inner !== undefined && !/^(test|lint|build)$/.test(inner) && scripts[inner]?.includes('npm run') ? commands(inner) : [command]
  })
}

/** What of `npm run check` is run by a longer name elsewhere. */
const ELSEWHERE = { 'npm run build': 'npm ci' }

test('everything in `npm run check` is run by the workflow', () => {
  const wanted = commands('check').filter((command) => !command.startsWith('git '))
  assert.ok(wanted.includes('cargo test --workspace --benches') && wanted.includes('npm run test:loom'), wanted.join('; '))
  for (const command of wanted) assert.ok(ci.includes(ELSEWHERE[command] ?? command), `ci.yml does not run ${command}`)
  assert.match(ci, /npm run generate && git diff --exit-code/)
})

test('so is every other step of .ci/run', () => {
  const steps = text('.ci/run').match(/^(npm run --silent \S+|\.ci\/\S+|node \.ci\/.*)$/gm)
  assert.deepEqual(steps, [
    'node .ci/autobahn.mjs',
    'node .ci/brokers.mjs',
    'node .ci/kafka.mjs',
    '.ci/actionlint',
    'npm run --silent check',
    'npm run --silent rehearse',
    'node .ci/nodes.mjs 24 22 26',
  ])
  assert.ok(ci.includes('run: node .ci/autobahn.mjs'))
  assert.ok(ci.includes('run: node .ci/brokers.mjs'))
  assert.ok(ci.includes('run: node .ci/kafka.mjs'))
  assert.ok(ci.includes('run: .ci/actionlint'))
  assert.ok(ci.includes('run: npm run rehearse'))
  assert.match(ci, /node: \[20, 22, 24, 26\]/)
})

test('the release is made by the script that is rehearsed', () => {
  const release = text('.github/workflows/release.yml')
  assert.match(release, /run: node \.ci\/release\.mjs stage artifacts/)
  assert.match(release, /run: node \.ci\/release\.mjs publish --provenance/)
  assert.match(text('.ci/rehearse.mjs'), /'\.ci\/release\.mjs', 'stage'[\s\S]*'\.ci\/release\.mjs', 'publish'/)
})

test('actions are pinned by hash, and every job ends after a time and asks for its permissions', () => {
  for (const name of files(/^\.github\/workflows\/.*\.yml$/)) {
    const source = text(name)
    for (const [, used] of source.matchAll(/uses: (\S+)/g)) assert.match(used, /@[0-9a-f]{40}$|^\.\//, `${name}: ${used}`)
    assert.match(source, /^permissions: \{\}$/m, name)
    const jobs = source.slice(source.search(/^jobs:/m)).match(/^ {2}[\w-]+:$[\s\S]*?(?=^ {2}[\w-]+:$|(?![\s\S]))/gm)
    for (const job of jobs) {
      if (!/^ {4}uses:/m.test(job)) assert.match(job, /timeout-minutes: \d+/, `${name}: ${job.split('\n')[0]}`)
      assert.match(job, /^ {4}permissions:/m, `${name}: ${job.split('\n')[0]}`)
    }
  }
})
