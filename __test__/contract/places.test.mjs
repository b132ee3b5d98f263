// Pages and comments that name a file name one that is there.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { files, text } from '../support/sources.mjs'

const known = new Set(files(/./))
/** Also what a build makes. */
const MADE = /^(dist|target)\//

test('files named by their path from the root exist', () => {
  // The files that every-test-runs names are made by it.
  const pages = files(/^(ARCHITECTURE|CONTRIBUTING|README)\.md$|^docs\/.*\.md$|^(js|crates|bench|__test__|\.ci)\/.*\.(ts|rs|mjs)$/).filter(
    (name) => name !== '__test__/contract/every-test-runs.test.mjs',
  )
  const missing = []
  for (const page of pages) {
    for (const [, path] of text(page).matchAll(
      /(?<![\w./-])((?:js|crates|bench|__test__|docs|examples|\.ci)\/[\w./-]+\.(?:ts|rs|mjs|md|sh))\b/g,
    )) {
      if (!known.has(path) && !MADE.test(path)) missing.push(`${page}: ${path}`)
    }
  }
  assert.deepEqual(missing, [])
})
