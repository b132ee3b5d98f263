// Builds dist/ from js/. Node.js gets CommonJS: one file for every export, for the command and for every file that is loaded by its
// address, and chunks for the code that they share. A thin ES module beside each export names what the CommonJS file exports, so
// `import` and `require` share one copy. Browsers get ES modules: the client and the page of the dashboard.
// `target/js` gets each module as a separate ES module, for tests of internal parts. Entries come from package.json and the sources.

import { spawn } from 'node:child_process'
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join, posix, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'
import { commonjs, LOADER, loader, REQUIRE, URL_OF_MODULE, wrapper } from './commonjs.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const [sources, dist, modules] = ['js', 'dist', 'target/js'].map((name) => join(root, name))

/** A file that the code names by its address, relative to itself: what a template fills in may follow. */
const ADDRESS = /new URL\((['`])(\.{1,2}\/[^'`]*)\1, import\.meta\.url\)/g

/** What users import: the name of its file in dist/ without an extension, and its declarations. */
const exported = Object.values(manifest.exports)
  .filter((entry) => typeof entry !== 'string')
  .map(({ require: { default: file, types } }) => {
    if (dirname(file) !== './dist') throw new Error(`package.json: ${file} is not directly in dist/`)
    return { name: nameOf(file), types }
  })

/** The source of every entry by its name. */
function entries() {
  const found = {}
  for (const { name, types } of exported) found[name] = join(root, types.replace('./dist/', 'js/').replace(/\.d\.ts$/, '.ts'))
  for (const target of Object.values(manifest.bin)) found[nameOf(target)] = command(nameOf(target))
  return found
}

function nameOf(target) {
  return basename(target, '.js')
}

/** The source of a command: the one file of its name that starts as scripts do. */
function command(name) {
  const files = readdirSync(sources, { recursive: true }).filter((file) => basename(file) === `${name}.ts`)
  const scripts = files.map((file) => join(sources, file)).filter((file) => readFileSync(file, 'utf8').startsWith('#!'))
  if (scripts.length !== 1) throw new Error(`${name}: ${scripts.length} files of js/ are a command of this name`)
  return scripts[0]
}

/**
 * Addresses stay right wherever a module goes, because all of dist/ lies in one folder: a module of js/ that is named becomes an entry of its own,
 * and whatever else is meant stays where it is. In the sources, js/ stands where dist/ will.
 */
const addresses = {
  name: 'addresses',
  transform(source, id) {
    if (!source.includes('import.meta.url')) return undefined
    const code = source.replaceAll('createRequire(import.meta.url)', REQUIRE.padEnd('createRequire(import.meta.url)'.length))
    const changed = code.replace(ADDRESS, (whole, quote, path) => {
      const target = resolve(dirname(id), path)
      const source = target.replace(/\.js$/, '.ts')
      // An example in a message names nothing.
      if (![target, source].some(existsSync) && !path.includes('${')) return whole
      let to = relative(sources, target).split(sep).join(posix.sep)
      if (target !== source && existsSync(source)) {
        to = to.replaceAll('/', '-')
        this.emitFile({ type: 'chunk', id: source, fileName: to })
      }
      const made = `new URL(${quote}${to.startsWith('.') ? to : `./${to}`}${quote}, import.meta.url)`
      return made + ' '.repeat(Math.max(0, whole.length - made.length))
    })
    // The lines stay as they are, and so does what stands before an address: no map is needed.
    return changed === source ? undefined : { code: changed, map: null }
  },
}

/**
 * What a process loads when it starts, in as few files as each of them allows: a file costs it up to 0.7 ms, as much as 20 KB of what is in it. A chunk has what some entry of `of` needs and some entry of `and` needs too,
 * less what the chunks before it have, so none imports from a later one. A browser loads the first, the package itself the first three, a worker thread all but the third.
 */
const STARTS = [
  { chunk: 'kit', of: ['client/index.ts', 'testing/index.ts'], and: ['index.ts'] },
  {
    chunk: 'border',
    of: ['workers/thread/entry.ts', 'workers/codec/record.ts'],
    and: ['index.ts', 'api/consume/consumptions.ts', 'durable/index.ts'],
  },
  { chunk: 'engine', of: ['index.ts', 'websocket/index.ts'], and: ['index.ts', 'http/index.ts'] },
  { chunk: 'workers', of: ['workers/thread/entry.ts'], and: ['workers/caller/remotes.ts', 'workers/codec/record.ts'] },
]

/** A group of modules for each of these chunks. One that comes first takes what the others need too. */
function startChunks() {
  let chunks
  return STARTS.map(({ chunk }, at, { length }) => ({
    debugName: chunk,
    priority: length - at,
    name(id, graph) {
      chunks ??= assigned(graph)
      return chunks.get(id) === chunk ? chunk : null
    },
  }))
}

function assigned(graph) {
  const reached = (from, found = new Set()) => {
    if (found.has(from)) return found
    found.add(from)
    for (const id of graph.getModuleInfo(from)?.importedIds ?? []) reached(id, found)
    return found
  }
  const reachedBy = (names) => new Set(names.flatMap((name) => [...reached(join(sources, name))]))
  const chunks = new Map()
  for (const { chunk, of, and } of STARTS) {
    const others = reachedBy(and)
    for (const id of reachedBy(of)) if (others.has(id) && !chunks.has(id)) chunks.set(id, chunk)
  }
  return chunks
}

/** The folder of js/ that most modules of a chunk come from; what the bundler brings itself comes from none. */
function room({ moduleIds }) {
  const folders = moduleIds.filter((id) => id.startsWith(sources)).map((id) => relative(sources, id).split(sep)[0])
  const count = (folder) => folders.filter((other) => other === folder).length
  return folders.reduce((most, folder) => (count(folder) > count(most) ? folder : most), folders[0] ?? 'runtime')
}

function write(name, text) {
  writeFileSync(join(dist, name), `${text}\n`)
}

async function bundle() {
  const build = await rolldown({
    cwd: root,
    input: entries(),
    platform: 'node',
    tsconfig: join(root, 'tsconfig.json'),
    // What is not ours is found where the package is installed.
    external: (id) => !id.startsWith('.') && !id.startsWith(sources),
    resolve: { extensionAlias: { '.js': ['.ts'] } },
    plugins: [addresses, commonjs],
    transform: { define: { 'import.meta.url': URL_OF_MODULE } },
    onLog(_level, log) {
      throw new Error(log.message)
    },
  })
  const { output } = await build.write({
    dir: dist,
    format: 'esm',
    entryFileNames: '[name].js',
    codeSplitting: { groups: startChunks() },
    chunkFileNames: (chunk) =>
      `${chunk.isDynamicEntry || STARTS.some((start) => start.chunk === chunk.name) ? '[name]' : room(chunk)}-[hash].js`,
    sourcemap: true,
    sourcemapExcludeSources: true,
    comments: { legal: false, jsdoc: false, annotation: true },
  })
  await build.close()
  write('package.json', '{ "type": "commonjs", "sideEffects": false }')
  write(LOADER, loader())
  for (const { name, types } of exported) {
    const { exports: names } = output.find(({ fileName }) => fileName === `${name}.js`)
    const declarations = `./${relative('dist', types).split(sep).join(posix.sep)}`
    const { code, declared } = wrapper(name, names, declarations.replace(/\.d\.ts$/, '.js'))
    write(`${name}.mjs`, code)
    write(`${name}.d.mts`, declared)
  }
  for (const target of Object.values(manifest.bin)) chmodSync(join(root, target), 0o755)
}

/** The client for browsers: one ES module. */
async function browserClient() {
  const build = await rolldown({
    cwd: root,
    input: { client: join(sources, 'client/index.ts') },
    platform: 'browser',
    tsconfig: join(root, 'tsconfig.json'),
    resolve: { extensionAlias: { '.js': ['.ts'] } },
    onLog(_level, log) {
      throw new Error(log.message)
    },
  })
  const comments = { legal: false, jsdoc: false, annotation: true }
  await build.write({
    dir: dist,
    format: 'esm',
    entryFileNames: 'client.browser.mjs',
    sourcemap: true,
    sourcemapExcludeSources: true,
    comments,
  })
  await build.close()
}

/** The page of the dashboard, which a browser runs: one script and one style, with what it is drawn by. */
async function page() {
  const folder = join(sources, 'dashboard/page')
  const build = await rolldown({
    cwd: root,
    input: { 'dashboard-page': join(folder, 'main.ts') },
    platform: 'browser',
    tsconfig: join(root, 'tsconfig.page.json'),
    resolve: { extensionAlias: { '.js': ['.ts'] } },
    onLog(_level, log) {
      throw new Error(log.message)
    },
  })
  // A browser is not told of the map: it would ask the service for the sources.
  await build.write({ dir: dist, format: 'esm', sourcemap: 'hidden', sourcemapExcludeSources: true, minify: true })
  await build.close()
  const drawn = createRequire(import.meta.url).resolve('uplot/dist/uPlot.min.css')
  writeFileSync(join(dist, 'dashboard-page.css'), readFileSync(drawn, 'utf8') + readFileSync(join(folder, 'page.css'), 'utf8'))
}

/** Declarations into dist/, modules into target/js. */
function compile() {
  const compiler = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc')
  return new Promise((done, failed) => {
    const child = spawn(process.execPath, [compiler, '-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' })
    child.on('error', failed)
    child.on('close', (code) => (code === 0 ? done() : failed(new Error(`tsc ended with ${code}`))))
  })
}

// The binary stays: another script builds it.
for (const name of existsSync(dist) ? readdirSync(dist) : []) if (!name.endsWith('.node')) rmSync(join(dist, name), { recursive: true })
rmSync(modules, { recursive: true, force: true })
await Promise.all([bundle(), browserClient(), page(), compile()])
