// Programs of the machine that tests use: where they are. One that is missing is named in the output of the test; under `CI=true` that is a failure.

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

const { env, platform } = process

/** Browsers that the protocol of Chromium drives, where their installers put them. */
const PLACES = {
  darwin: ['Google Chrome', 'Chromium', 'Microsoft Edge'].flatMap((name) =>
    ['/Applications', join(env.HOME ?? '', 'Applications')].map((folder) => join(folder, `${name}.app/Contents/MacOS/${name}`)),
  ),
  win32: ['Google/Chrome/Application/chrome.exe', 'Chromium/Application/chrome.exe', 'Microsoft/Edge/Application/msedge.exe'].flatMap(
    (path) => [env.PROGRAMFILES, env['PROGRAMFILES(X86)'], env.LOCALAPPDATA].filter(Boolean).map((folder) => join(folder, path)),
  ),
}
const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome', 'microsoft-edge']

/** The first of these programs that the path of the environment leads to. */
export function onPath(...names) {
  const folders = (env.PATH ?? '').split(delimiter).filter(Boolean)
  const files = names.map((name) => (platform === 'win32' ? `${name}.exe` : name))
  return files.flatMap((file) => folders.map((folder) => join(folder, file))).find((file) => existsSync(file))
}

/** A Chromium or one of its relatives: what `CHROMIUM` names, or what is installed. */
export function findBrowser() {
  if (env.CHROMIUM) {
    assert.ok(existsSync(env.CHROMIUM), `CHROMIUM names ${env.CHROMIUM}, which is not there`)
    return env.CHROMIUM
  }
  return (PLACES[platform] ?? []).find((file) => existsSync(file)) ?? onPath(...NAMES)
}

/** Whether a test can go on with this program. Says loudly that it cannot, and fails where everything is to be tested. */
export function has(context, program, name) {
  if (program !== undefined) return true
  context.diagnostic(`NOT TESTED: there is no ${name} on this machine`)
  assert.notEqual(env.CI, 'true', `${name} is missing: it is part of what CI tests`)
  return false
}
