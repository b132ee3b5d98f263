// Local functions, worker threads, durable streams and consume under the loaders and hooks that people start Node.js with.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { root } from '../support/sources.mjs'
import { EXPECTED, project } from './project.mjs'

const timeout = 120_000
const REGISTER_OTEL = {
  'register-otel.mjs': `import { register } from 'node:module'\nregister('@opentelemetry/instrumentation/hook.mjs', import.meta.url)\n`,
}

/** The flags of Node.js and the program, by what is tested; and the type of the project. */
const LOADERS = {
  'no loader, import': { args: ['program.mjs'] },
  'no loader, require': { args: ['program.cjs'] },
  'no loader, both formats in one program': { args: ['both.mjs'] },
  'the hook of OpenTelemetry, by register': { args: ['--import', './register-otel.mjs', 'program.mjs'] },
  'the hook of OpenTelemetry, by register, both formats': { args: ['--import', './register-otel.mjs', 'both.mjs'] },
  'the hook of OpenTelemetry, by --experimental-loader': {
    args: ['--experimental-loader', '@opentelemetry/instrumentation/hook.mjs', 'program.mjs'],
  },
  'tsx, ES modules': { args: ['--import', 'tsx', 'program.ts'] },
  'tsx, CommonJS': { type: 'commonjs', args: ['--import', 'tsx', 'program.ts'] },
  'tsx, both formats in one program': { args: ['--import', 'tsx', 'both.mjs'] },
  'ts-node, CommonJS': { type: 'commonjs', args: ['--require', 'ts-node/register/transpile-only', 'program.ts'] },
  'ts-node, ES modules': { args: ['--loader', 'ts-node/esm/transpile-only', 'program.ts'] },
  '@swc-node/register, CommonJS': { type: 'commonjs', args: ['--require', '@swc-node/register', 'program.ts'] },
  '@swc-node/register, ES modules': { args: ['--import', '@swc-node/register/esm-register', 'program.ts'] },
  'jiti, ES modules': { args: ['node_modules/jiti/lib/jiti-cli.mjs', 'program.ts'] },
  'jiti, CommonJS': { type: 'commonjs', args: ['node_modules/jiti/lib/jiti-cli.mjs', 'program.ts'] },
  'jiti/register': { args: ['--import', 'jiti/register', 'program.ts'] },
  'esbuild-register': { type: 'commonjs', args: ['--require', 'esbuild-register', 'program.ts'] },
}

describe('velo-stream works under', () => {
  const projects = { module: project({ files: REGISTER_OTEL }), commonjs: project({ type: 'commonjs' }) }
  for (const [name, { type = 'module', args }] of Object.entries(LOADERS)) {
    test(name, { timeout }, () => {
      const { app, folder } = projects[type]
      const words = [...args, mkdtempSync(join(folder, 'journal-')), pathToFileURL(join(app, 'double.mjs')).href]
      const env = { ...process.env, NODE_OPTIONS: '', NAPI_RS_NATIVE_LIBRARY_PATH: '', NODE_TEST_CONTEXT: undefined }
      const { stdout, stderr, status } = spawnSync(process.execPath, words, { cwd: app, encoding: 'utf8', env, timeout })
      assert.equal(status, 0, `${stdout}\n${stderr}`)
      assert.deepEqual(JSON.parse(stdout), EXPECTED)
    })
  }
})

describe('the tests of the API pass under the hook of OpenTelemetry', () => {
  const { app } = project({ files: REGISTER_OTEL })
  const ways = {
    'by register': `--import ${pathToFileURL(join(app, 'register-otel.mjs')).href}`,
    'by --experimental-loader': '--experimental-loader @opentelemetry/instrumentation/hook.mjs',
  }
  const folder = join(root, '__test__/api')
  const files = readdirSync(folder).map((name) => join(folder, name))
  for (const [way, options] of Object.entries(ways)) {
    test(way, { timeout }, () => {
      const env = { ...process.env, NODE_OPTIONS: options, NODE_TEST_CONTEXT: undefined }
      const words = ['--expose-gc', '--test', '--test-reporter', 'tap', ...files]
      const { stdout, stderr, status } = spawnSync(process.execPath, words, { cwd: root, encoding: 'utf8', env, timeout })
      assert.equal(
        status,
        0,
        `${stdout
          .split('\n')
          .filter((line) => line.includes('not ok'))
          .join('\n')}\n${stderr}`,
      )
      assert.match(stdout, /# pass [1-9]\d\d/)
    })
  }
})
