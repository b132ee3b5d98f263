// Which C library this process runs on: a binary for the other one does not load. Knows nothing of binaries.

import { builtin } from '../../kit/start/builtin.js'

const { closeSync, openSync, readSync } = builtin('node:fs')

/** A program's loader is named in its first page. */
const PAGE = 4096

/** What the first page of a program says of its C library; `undefined` when it names no loader that is known. */
export function libcOf(page: string): 'gnu' | 'musl' | undefined {
  if (/\/ld-musl-[\w-]+\.so\.1\0/.test(page)) return 'musl'
  return /\/ld-linux-[\w-]+\.so\.\d\0/.test(page) ? 'gnu' : undefined
}

/** The C library of this process on Linux: read from its own program, because a report of the process takes ten times as long. */
export function libc(program = process.execPath): 'gnu' | 'musl' {
  return libcOf(firstPage(program)) ?? reported()
}

function firstPage(program: string): string {
  try {
    const file = openSync(program, 'r')
    try {
      const page = Buffer.alloc(PAGE)
      return page.toString('latin1', 0, readSync(file, page, 0, PAGE, 0))
    } finally {
      closeSync(file)
    }
  } catch {
    return '' // a program may be hidden from its own process
  }
}

/** What the process itself says. Without the network: reading its names may take seconds. */
function reported(): 'gnu' | 'musl' {
  const report = process.report as (typeof process.report & { excludeNetwork?: boolean }) | undefined
  if (report === undefined) return 'gnu'
  const before = report.excludeNetwork
  report.excludeNetwork = true
  try {
    const { header } = report.getReport() as { header?: { glibcVersionRuntime?: string } }
    return header?.glibcVersionRuntime === undefined ? 'musl' : 'gnu'
  } finally {
    if (before !== undefined) report.excludeNetwork = before
  }
}
