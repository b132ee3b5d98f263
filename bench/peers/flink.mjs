// Programs on Apache Flink: the jars that its Python package brings, and a class of ours beside them, compiled once. Owns: what is needed to run one. Not here: the programs.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { basename, delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { missing, peersFolder, pythonOf, pythonPeers } from './places.mjs'

export const FLINK = `Flink ${pythonPeers.flink.version}`

/** The command that runs the class in this file, at an address; or, as text, what is missing. */
export function flinkProgram(address) {
  if (pythonOf('flink') === undefined) return missing('flink')
  if (spawnSync('javac', ['-version']).status !== 0) return 'MISSING: javac, so Flink does not run'
  const home = join(peersFolder(), 'flink')
  const lib = process.platform === 'win32' ? join(home, 'Lib') : join(home, 'lib', readdirSync(join(home, 'lib'))[0])
  const [jars, classes] = [join(lib, 'site-packages', 'pyflink', 'lib', '*'), join(home, 'classes')]
  const source = fileURLToPath(address)
  const name = basename(source, '.java')
  const compiled = join(classes, `${name}.class`)
  if (!existsSync(compiled) || statSync(compiled).mtimeMs < statSync(source).mtimeMs) {
    mkdirSync(classes, { recursive: true })
    const { status, stderr } = spawnSync('javac', ['-cp', jars, '-d', classes, source], { encoding: 'utf8' })
    if (status !== 0) throw new Error(`javac ended with ${status}: ${stderr}`)
  }
  return ['java', '-cp', `${jars}${delimiter}${classes}`, '-Dlog4j2.level=OFF', name]
}
