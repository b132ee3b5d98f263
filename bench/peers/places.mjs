// Where the peers are that are no packages of this repository: pinned versions in a folder of the user's, put there by setup.mjs. Owns: names, versions, places. Not here: what is done with them.
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** Python packages, each in an environment of its own; `python` is the oldest line that takes the version, `before` what an older one gets. */
export const pythonPeers = {
  velo: { package: 'velo-stream', version: '0.3.0', python: 12, before: { version: '0.1.0', python: 11 } },
  conveyor: { package: 'conveyor-streaming', version: '1.2.1', python: 11 },
  bytewax: { package: 'bytewax', version: '0.21.1', python: 9, until: 12 },
  // Its package brings the jars too. It takes a minute and 1 GB, so it comes only when it is named.
  flink: { package: 'apache-flink', version: '2.3.0', python: 9, until: 12, large: true, java: true },
}

/** Packages for Node.js, all in one folder. */
export const nodePeers = { effect: '4.1.0', 'streaming-iterables': '8.0.1', bullmq: '6.7.0' }

/** VELO_PEERS, or a folder in the cache of the user. */
export function peersFolder() {
  return process.env.VELO_PEERS ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'velo-stream-peers')
}

/** The interpreter of an environment, whether it is there or not. */
export function interpreterIn(folder) {
  return process.platform === 'win32' ? join(folder, 'Scripts', 'python.exe') : join(folder, 'bin', 'python')
}

/** The interpreter that has this peer, or undefined. */
export function pythonOf(name) {
  const folder = join(peersFolder(), name)
  return existsSync(join(folder, 'ready')) ? interpreterIn(folder) : undefined
}

/** A module of this peer, or undefined; what the repository has itself comes first. */
export async function moduleOf(name) {
  const places = [import.meta.url, join(peersFolder(), 'node', 'package.json')]
  for (const place of places) {
    let found
    try {
      found = createRequire(place).resolve(name)
    } catch {
      continue
    }
    return import(pathToFileURL(found).href)
  }
  return undefined
}

/** What a table says of a peer that is not there. */
export function missing(name) {
  return `MISSING: ${name} (node bench/peers/setup.mjs ${name})`
}

/** The version of a package for Node.js in their folder, or undefined. */
export function versionOfNode(name) {
  const manifest = join(peersFolder(), 'node', 'node_modules', name, 'package.json')
  return existsSync(manifest) ? JSON.parse(readFileSync(manifest, 'utf8')).version : undefined
}

/** What of these is here, with its version; undefined where nothing is. */
export function versionsOf(names) {
  const here = names.flatMap((name) => {
    if (name in nodePeers) return versionOfNode(name) === undefined ? [] : [`${name} ${versionOfNode(name)}`]
    const ready = join(peersFolder(), name, 'ready')
    return existsSync(ready) ? [`${pythonPeers[name].package} ${readFileSync(ready, 'utf8').trim()}`] : []
  })
  return here.join(', ') || undefined
}
