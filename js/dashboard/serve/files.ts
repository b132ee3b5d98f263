// The script and the style of the page, as the build has made them, each under a name that changes with what is in it.

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

export interface PageFile {
  /** `page-<hash>.js`: whoever has it may keep it for ever. */
  readonly name: string
  readonly type: string
  readonly etag: string
  /** For `integrity` of the element that loads it. */
  readonly integrity: string
  readonly body: Buffer
}

export interface PageFiles {
  readonly script: PageFile
  readonly style: PageFile
}

let files: PageFiles | undefined

/** Read when the first page is asked for. */
export function pageFiles(): PageFiles {
  files ??= { script: fileOf('js', 'text/javascript; charset=utf-8'), style: fileOf('css', 'text/css; charset=utf-8') }
  return files
}

function fileOf(kind: 'js' | 'css', type: string): PageFile {
  const body = readFileSync(new URL(`../../dashboard-page.${kind}`, import.meta.url))
  const hash = createHash('sha256').update(body).digest()
  const short = hash.toString('hex').slice(0, 16)
  return { name: `page-${short}.${kind}`, type, etag: `"${short}"`, integrity: `sha256-${hash.toString('base64')}`, body }
}
