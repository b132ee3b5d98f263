// The parts of a release, which the workflow and the rehearsal share. Runs in a clone with its packages installed and dist/ built.
//
//   node .ci/release.mjs stage <folder>   makes npm/ and the manifests out of the binaries in this folder
//   node .ci/release.mjs publish [...]    publishes the platform packages, then velo-stream; what follows is for npm publish
//
// `GITHUB_SERVER_URL` and `GITHUB_REPOSITORY` say which repository it is: the registry refuses provenance for a package that names no other.

import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const [step, ...args] = process.argv.slice(2)
if (step === 'stage') stage(args[0])
else if (step === 'publish') publish()
else fail('which step, stage or publish?')

function stage(artifacts) {
  if (artifacts === undefined) fail('stage needs the folder of the binaries')
  const inDist = readdirSync('dist', { recursive: true }).filter((name) => name.endsWith('.node'))
  if (inDist.length > 0) fail(`the root package brings no binary, but dist/ has ${inDist}`)
  const manifest = readManifest('.')
  manifest.repository = repository()
  writeManifest('.', manifest)
  napi('create-npm-dirs')
  napi('artifacts', '--output-dir', artifacts, '--npm-dir', 'npm')
  // It leaves a copy of each in the root as well.
  for (const name of readdirSync('.').filter((name) => name.endsWith('.node'))) rmSync(name)
  for (const folder of readdirSync('npm').map((name) => join('npm', name))) {
    const platform = readManifest(folder)
    if (!existsSync(join(folder, platform.main))) fail(`${platform.name} has no binary`)
    platform.repository = manifest.repository
    writeManifest(folder, platform)
    copyFileSync('LICENSE', join(folder, 'LICENSE'))
  }
}

/** First what it depends on, then velo-stream. What is written into its manifest stays out of the repository. */
function publish() {
  napi('pre-publish', '--tag-style', 'npm', '--no-gh-release', '--skip-optional-publish')
  for (const folder of readdirSync('npm').map((name) => join('npm', name))) npmPublish(folder)
  npmPublish('.')
}

function npmPublish(folder) {
  run('npm', ['publish', '--ignore-scripts', '--access', 'public', ...args], { cwd: folder, shell: process.platform === 'win32' })
}

function repository() {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: name } = process.env
  if (!server || !name) fail('GITHUB_SERVER_URL and GITHUB_REPOSITORY name no repository')
  return { type: 'git', url: `git+${server}/${name}.git` }
}

function readManifest(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
}

function writeManifest(folder, manifest) {
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`)
}

function napi(...words) {
  run(process.execPath, ['node_modules/@napi-rs/cli/dist/cli.js', ...words])
}

function run(command, words, options) {
  const { status, error } = spawnSync(command, words, { stdio: 'inherit', ...options })
  if (error) fail(`${command}: ${error.message}`)
  if (status !== 0) fail(`${command} ${words.join(' ')} ended with ${status}`)
}

function fail(message) {
  console.error(`.ci/release.mjs: ${message}`)
  process.exit(1)
}
