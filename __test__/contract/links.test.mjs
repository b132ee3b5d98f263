// Every relative link of every page leads somewhere: in the repository, and, from a page that is packed, to a file and a heading inside the tarball.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { posix } from 'node:path'
import { before, describe, test } from 'node:test'
import { files, root, text } from '../support/sources.mjs'

/** A page without its blocks of code, in which brackets mean something else. */
const prose = (name) => text(name).replace(/^```[\s\S]*?^```$/gm, '')

/** The anchors that the headings of a page get: small letters, no punctuation, hyphens for spaces, a number from the second time on. */
function anchorsOf(page) {
  const seen = new Map()
  return [...page.matchAll(/^#+ (.+)$/gm)].map(([, heading]) => {
    const anchor = heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-')
    const times = seen.get(anchor) ?? 0
    seen.set(anchor, times + 1)
    return times === 0 ? anchor : `${anchor}-${times}`
  })
}

/** The relative links of a page: the file from the root, and the anchor. */
function linksOf(name) {
  const links = [...prose(name).matchAll(/\[[^\]]*\]\(([^)\s]+)\)/g)]
    .map(([, target]) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
  return links.map((link) => {
    const [path, anchor] = link.split('#')
    return { link, file: path === '' ? name : posix.join(posix.dirname(name), path), anchor }
  })
}

/** Links of `pages` that do not lead to one of `existing`. */
function dead(pages, existing) {
  return pages.flatMap((name) =>
    linksOf(name)
      .filter(({ file, anchor }) => !existing.has(file) || (anchor !== undefined && !anchorsOf(prose(file)).includes(anchor)))
      .map(({ link }) => `${name}: ${link}`),
  )
}

const pages = files(/\.md$/)

test('headings get the anchors that links name', () => {
  assert.deepEqual(anchorsOf('# A b\n## 6. end()\n### `velo serve` and `x_y`\n## A b\n'), ['a-b', '6-end', 'velo-serve-and-x_y', 'a-b-1'])
})

test('every relative link leads to a file of the repository, and to a heading of it', () => {
  assert.ok(pages.flatMap(linksOf).length > 50, 'links were found')
  assert.deepEqual(dead(pages, new Set(files())), [])
})

describe('the tarball', () => {
  let packed
  before(() => {
    const options = { cwd: root, encoding: 'utf8', shell: process.platform === 'win32' }
    const { stdout, stderr, status } = spawnSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], options)
    assert.equal(status, 0, stderr)
    packed = new Set(JSON.parse(stdout)[0].files.map(({ path }) => path))
  })

  test('has every page of docs/ and the examples', () => {
    for (const page of files(/^docs\/.+\.md$|^examples\/README\.md$|^README\.md$/)) assert.ok(packed.has(page), page)
  })

  test('has whatever its pages link to', () => {
    assert.deepEqual(
      dead(
        pages.filter((name) => packed.has(name)),
        packed,
      ),
      [],
    )
  })

  test('has whatever its examples import or read', () => {
    const examples = [...packed].filter((name) => /^examples\/.+\.mjs$/.test(name))
    assert.ok(examples.length >= 10)
    const wanted = examples.flatMap((name) =>
      [...text(name).matchAll(/(?:from |import\(|new URL\()'(\.{0,2}[\w./-]+\.\w+)'/g)].map(([, path]) => [
        name,
        posix.join(posix.dirname(name), path),
      ]),
    )
    assert.ok(wanted.length >= 8)
    assert.deepEqual(
      wanted.filter(([, path]) => !packed.has(path)),
      [],
    )
  })
})
