// The client as a bundler takes it into a page: nothing of Node.js, and small; and its types, where those of Node.js are not installed.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import * as esbuild from 'esbuild'
import { scratch } from '../support/pages.mjs'
import { root } from '../support/sources.mjs'

const temp = scratch()

test('a page gets less than 10 KB of it, and nothing else', async () => {
  const { outputFiles, metafile } = await esbuild.build({
    stdin: { contents: "export * from 'velo-stream/client'", resolveDir: root },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    write: false,
    metafile: true,
  })
  assert.deepEqual(
    Object.keys(metafile.inputs).filter((name) => name !== '<stdin>'),
    ['dist/client.browser.mjs'],
  )
  assert.ok(gzipSync(outputFiles[0].contents).length < 10_000, `${gzipSync(outputFiles[0].contents).length} bytes`)
})

/** What the compiler says of a program. */
function compiled(name, source, ...options) {
  const file = join(temp, name)
  writeFileSync(file, source)
  const tsc = createRequire(import.meta.url)
    .resolve('typescript/package.json')
    .replace(/package\.json$/, 'bin/tsc')
  const strict = ['--ignoreConfig', '--noEmit', '--strict', '--exactOptionalPropertyTypes', '--target', 'ES2022']
  return spawnSync(process.execPath, [tsc, ...strict, ...options, file], { cwd: root, encoding: 'utf8' }).stdout
}

test('its types need those of browsers only', { timeout: 60_000 }, () => {
  const source = `import { connect, subscribe, VeloError } from 'velo-stream/client'
    export const moves = connect<{ points: number }, { score: number }>('/game', { WebSocket, signal: new AbortController().signal })
    export const sent: Promise<void> = moves.send({ points: 1 })
    export async function read(): Promise<number[]> {
      const seen: number[] = []
      for await (const { score } of moves) seen.push(score)
      for await (const token of subscribe<string>('/answer', { fetch, body: new FormData(), text: 'raw' })) seen.push(token.length)
      const { error } = await moves.closed
      return error instanceof VeloError && error.code === 'VELO_DRAINING' ? [] : seen
    }`
  const lib = ['--moduleResolution', 'bundler', '--lib', 'ES2022,ESNext.Disposable,DOM,DOM.AsyncIterable']
  assert.equal(compiled('page.ts', source, '--module', 'ESNext', '--types', '', ...lib), '')
})

test('its types take the class of ws, and one that is made of it', { timeout: 60_000 }, () => {
  const source = `import { connect } from 'velo-stream/client'
    import { WebSocket } from 'ws'
    class Authorized extends WebSocket {
      constructor(url: string, protocols?: string | string[]) {
        super(url, protocols, { headers: { authorization: 'token' } })
      }
    }
    export const both = [connect('ws://host', { WebSocket }), connect('ws://host', { WebSocket: Authorized })]`
  const options = ['--module', 'NodeNext', '--lib', 'ES2022,ESNext.Disposable', '--types', 'node', '--skipLibCheck']
  assert.equal(compiled('node.mts', source, ...options), '')
})
