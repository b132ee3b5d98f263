// Where the binary does not load, VELO_NATIVE_LOAD says what the system said, and advises what can be done there.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, describe, test } from 'node:test'
import { advice, explained } from '../../target/js/engine/border/advice.js'
import { libc, libcOf } from '../../target/js/engine/border/libc.js'
import { root } from '../support/sources.mjs'

const missing = Object.assign(new Error("Cannot find module 'x'\nRequire stack: y"), { code: 'MODULE_NOT_FOUND' })
const refused = (message) => Object.assign(new Error(message), { code: 'ERR_DLOPEN_FAILED' })
const place = {
  triple: 'linux-x64-gnu',
  platformPackage: '@velo-stream/native-linux-x64-gnu',
  installed: [],
  published: [],
  hasSources: false,
  isNamed: false,
  isBundled: false,
}
const absent = [
  { what: '/app/dist/velo.linux-x64-gnu.node', error: missing },
  { what: place.platformPackage, error: missing },
]

/** What the loaders of systems say, and what is to be understood. */
const SAID = {
  "/lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.34' not found (required by /a/velo.node)": /older than GLIBC_2\.34/,
  'libc.musl-x86_64.so.1: cannot open shared object file: No such file or directory': /another C library/,
  'Error loading shared library ld-linux-x86-64.so.2: No such file or directory (needed by /a/velo.node)': /another C library/,
  'Error relocating /a/velo.node: __register_atfork: symbol not found': /another C library/,
  '/a/velo.node: invalid ELF header': /another platform or is damaged/,
  '/a/velo.node: wrong ELF class: ELFCLASS32': /another platform or is damaged/,
  '/a/velo.node: file too short': /another platform or is damaged/,
  "dlopen(/a/velo.node, 0x0001): tried: '/a/velo.node' (mach-o file, but is an incompatible architecture (have 'x86_64', need 'arm64'))":
    /another platform/,
  '%1 is not a valid Win32 application.': /another platform or is damaged/,
  '/a/velo.node: failed to map segment from shared object': /noexec/,
  '/a/velo.node: failed to map segment from shared object: Operation not permitted': /noexec/,
  '/a/velo.node: cannot open shared object file: Permission denied': /may not read the file/,
  'libgcc_s.so.1: cannot open shared object file: No such file or directory': /needs libgcc_s\.so\.1/,
  'Error loading shared library libgcc_s.so.1: No such file or directory (needed by /a/velo.node)': /needs libgcc_s\.so\.1/,
  'Module did not self-register': /x may be damaged/,
}

describe('advice', () => {
  test('the message names each try with its reason, in one line each, and what to do in the last', () => {
    const lines = explained(
      [
        { what: 'a.node', error: missing },
        { what: 'b', error: refused('b.node: invalid ELF header\nmore') },
      ],
      place,
    ).split('\n')
    assert.equal(lines.length, 4)
    assert.match(lines[0], /linux-x64-gnu/)
    assert.deepEqual(lines.slice(1, 3), ['  a.node: not there', '  b: b.node: invalid ELF header'])
    assert.match(lines[3], /no binary for linux-x64-gnu/)
  })

  test('nothing is installed: the package and why npm may have left it out', () => {
    assert.match(advice(absent, place), /^Install @velo-stream\/native-linux-x64-gnu.*--omit=optional/)
  })

  test('another platform is installed: install where it runs', () => {
    const said = advice(absent, { ...place, installed: ['@velo-stream/native-linux-x64-musl'] })
    assert.match(said, /native-linux-x64-musl.*--libc/)
  })

  test('nothing is published for the platform', () => {
    const said = advice(absent, {
      ...place,
      triple: 'freebsd-x64',
      platformPackage: '@velo-stream/native-freebsd-x64',
      published: ['@velo-stream/native-a'],
    })
    assert.match(said, /No binary is published for freebsd-x64, only @velo-stream\/native-a/)
  })

  test('to build is advised where the sources are, and nowhere else', () => {
    assert.equal(advice(absent, { ...place, hasSources: true }), 'Build it: npm run build')
    const tries = [...absent.map(({ error }) => error), ...Object.keys(SAID).map(refused)]
    for (const error of tries) assert.doesNotMatch(advice([{ what: 'x', error }], place), /npm run build/)
  })

  test('a bundler has put the code elsewhere: name it as external', () => {
    assert.match(advice(absent, { ...place, isBundled: true }), /external/)
  })

  test('the environment names a file that is not there', () => {
    assert.match(advice(absent.slice(0, 1), { ...place, isNamed: true }), /^NAPI_RS_NATIVE_LIBRARY_PATH names a file/)
  })

  for (const [said, meant] of Object.entries(SAID)) {
    test(`"${said.slice(0, 60)}"`, () => assert.match(advice([{ what: 'x', error: refused(said) }], place), meant))
  }
})

describe('the C library', () => {
  test('is read from the loader that a program names', () => {
    assert.equal(libcOf('\x7fELF..\0/lib64/ld-linux-x86-64.so.2\0..'), 'gnu')
    assert.equal(libcOf('\x7fELF..\0/lib/ld-linux-aarch64.so.1\0..'), 'gnu')
    assert.equal(libcOf('\x7fELF..\0/nix/store/x-glibc-2.40/lib/ld-linux-x86-64.so.2\0..'), 'gnu')
    assert.equal(libcOf('\x7fELF..\0/lib/ld-musl-x86_64.so.1\0..'), 'musl')
    assert.equal(libcOf('\x7fELF..\0/lib/ld-musl-aarch64.so.1\0..'), 'musl')
    assert.equal(libcOf('#!/bin/sh'), undefined)
  })

  test('is what the report of this process says, also where its program cannot be read', () => {
    const before = process.report.excludeNetwork
    const { glibcVersionRuntime } = process.report.getReport().header
    const expected = glibcVersionRuntime === undefined ? 'musl' : 'gnu'
    if (process.platform === 'linux') assert.equal(libc(), expected)
    assert.equal(libc(join(tmpdir(), 'no such program')), expected)
    assert.equal(process.report.excludeNetwork, before)
  })
})

describe('a package whose binary does not load', () => {
  const temp = mkdtempSync(join(tmpdir(), 'velo-native-'))
  after(() => rmSync(temp, { recursive: true, force: true, maxRetries: 3 }))
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const suffix = { linux: `-${libc()}`, win32: '-msvc' }[process.platform] ?? ''
  const triple = `${process.platform}-${process.arch}${suffix}`
  const platformPackage = `${manifest.napi.packageName}-${triple}`
  let copies = 0

  /** The package as it is installed, without a binary, and what its folder of packages has beside the dependencies. */
  function copy({ packages = {}, optionalDependencies } = {}) {
    const folder = join(temp, String(copies++))
    const modules = join(folder, 'node_modules')
    const home = join(modules, 'velo-stream')
    mkdirSync(home, { recursive: true })
    cpSync(join(root, 'dist'), join(home, 'dist'), { recursive: true, filter: (path) => !path.endsWith('.node') })
    writeFileSync(join(home, 'package.json'), JSON.stringify({ ...manifest, optionalDependencies }))
    for (const name of Object.keys(manifest.dependencies)) {
      mkdirSync(dirname(join(modules, name)), { recursive: true })
      symlinkSync(join(root, 'node_modules', name), join(modules, name), 'junction')
    }
    for (const [name, file] of Object.entries(packages)) {
      mkdirSync(join(modules, name), { recursive: true })
      writeFileSync(join(modules, name, 'package.json'), JSON.stringify({ name, version: manifest.version, main: 'velo.node' }))
      writeFileSync(join(modules, name, 'velo.node'), file)
    }
    return { folder, home }
  }

  function run(folder, args, env = {}) {
    const options = { cwd: folder, env: { ...process.env, NAPI_RS_NATIVE_LIBRARY_PATH: '', NODE_OPTIONS: '', ...env }, encoding: 'utf8' }
    return spawnSync(process.execPath, args, options)
  }

  /** What importing it says. */
  function said(folder, env) {
    const code = `import('velo-stream').catch((error) => console.log(error.code + '\\n' + error.message))`
    const { stdout, stderr } = run(folder, ['--input-type=module', '-e', code], env)
    assert.equal(stderr, '')
    const [first, ...lines] = stdout.trimEnd().split('\n')
    assert.equal(first, 'VELO_NATIVE_LOAD')
    return lines
  }

  test('nothing is installed', () => {
    const lines = said(copy().folder)
    assert.match(lines[1], /velo\..+\.node: not there$/)
    assert.equal(lines[2], `  ${platformPackage}: not there`)
    assert.ok(lines[3].startsWith(`Install ${platformPackage}`), lines[3])
  })

  test('the binary of another platform is installed', () => {
    const other = `${manifest.napi.packageName}-aix-ppc64`
    assert.match(said(copy({ packages: { [other]: 'x' } }).folder).at(-1), new RegExp(`^Installed is ${other}:`))
  })

  test('this platform is none of those that are published', () => {
    const optionalDependencies = { [`${manifest.napi.packageName}-aix-ppc64`]: manifest.version }
    assert.match(said(copy({ optionalDependencies }).folder).at(-1), /^No binary is published for .+aix-ppc64/)
  })

  test('the file is damaged: what the loader of the system said stands there', () => {
    const lines = said(copy({ packages: { [platformPackage]: 'this is no binary, whatever its name says' } }).folder)
    assert.match(lines[2], new RegExp(`^  ${platformPackage}: .{10}`))
    assert.doesNotMatch(lines[2], /not there$/)
    assert.match(lines.at(-1), /damaged/)
  })

  test('the environment names what is not there', () => {
    const lines = said(copy().folder, { NAPI_RS_NATIVE_LIBRARY_PATH: join(temp, 'nothing.node') })
    assert.deepEqual(lines.slice(1), [
      `  ${join(temp, 'nothing.node')}: not there`,
      'NAPI_RS_NATIVE_LIBRARY_PATH names a file that is not there: correct it or unset it.',
    ])
  })

  test('in a clone of the sources: build it', () => {
    const { folder, home } = copy()
    mkdirSync(join(home, 'crates/velo-node'), { recursive: true })
    writeFileSync(join(home, 'crates/velo-node/Cargo.toml'), '')
    assert.equal(said(folder).at(-1), 'Build it: npm run build')
  })

  test('velo doctor says the same', () => {
    const { folder, home } = copy({ packages: { [platformPackage]: 'this is no binary, whatever its name says' } })
    const { status, stdout } = run(folder, [join(home, manifest.bin.velo), 'doctor', '--json'])
    assert.equal(status, 1)
    const [found] = JSON.parse(stdout).findings
    assert.deepEqual([found.name, found.level], ['add-on', 'fail'])
    const lines = said(folder).map((line) => line.trim())
    assert.deepEqual([found.says, found.hint], [lines.slice(0, -1).join('; '), lines.at(-1)])
  })
})
