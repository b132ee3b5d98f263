// Makes dist/ out of js/: an entry for every export, every command and every file that is loaded by its address, all beside each other, with what
// they share in chunks of its own; source maps; and the declarations of tsc. `target/js` gets the same modules one by one, for tests of parts
// that are not exported. Which files there are is read from package.json and from the sources, never listed here.

import { spawn } from 'node:child_process'
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join, posix, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

const root = fileURLToPath(new URL('..', import.meta.url))
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const [sources, dist, modules] = ['js', 'dist', 'target/js'].map((name) => join(root, name))

/** A file that the code names by its address, relative to itself: what a template fills in may follow. */
const ADDRESS = /new URL\((['`])(\.{1,2}\/[^'`]*)\1, import\.meta\.url\)/g

/** The source of every entry by the name of its file in dist/, without `.js`. */
function entries() {
  const found = {}
  for (const [name, entry] of Object.entries(manifest.exports)) {
    if (typeof entry === 'string') continue
    found[nameOf(entry.default)] = join(root, entry.types.replace('./dist/', 'js/').replace(/\.d\.ts$/, '.ts'))
    if (dirname(entry.default) !== './dist') throw new Error(`package.json: exports["${name}"].default is not a file of dist/ itself`)
  }
  for (const target of Object.values(manifest.bin)) found[nameOf(target)] = command(nameOf(target))
  return found
}

const nameOf = (target) => basename(target, '.js')

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
  transform(code, id) {
    if (!code.includes('import.meta.url')) return undefined
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
    return changed === code ? undefined : { code: changed, map: null }
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

async function bundle() {
  const build = await rolldown({
    cwd: root,
    input: entries(),
    platform: 'node',
    tsconfig: join(root, 'tsconfig.json'),
    // What is not ours is found where the package is installed.
    external: (id) => !id.startsWith('.') && !id.startsWith(sources),
    resolve: { extensionAlias: { '.js': ['.ts'] } },
    plugins: [addresses],
    onLog(_level, log) {
      throw new Error(log.message)
    },
  })
  await build.write({
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
  for (const target of Object.values(manifest.bin)) chmodSync(join(root, target), 0o755)
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
await Promise.all([bundle(), page(), compile()])
