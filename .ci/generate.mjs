// Writes the generated files that are committed: js/engine/border/law.ts and js/kit/codes.ts from Rust, index.d.ts from js/.
// `npm run check` fails when either has drifted.

import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Extractor, ExtractorConfig } from '@microsoft/api-extractor'

const shell = process.platform === 'win32'
const root = fileURLToPath(new URL('..', import.meta.url))
process.chdir(root)

fromRust('js/engine/border/law.ts')
fromRust('js/kit/codes.ts', 'codes')
execFileSync('npm', ['run', '--silent', 'build:ts'], { stdio: 'inherit', shell })
contract()

/** Writes what velo-core prints. */
function fromRust(file, ...args) {
  writeFileSync(file, execFileSync('cargo', ['run', '--quiet', '-p', 'velo-core', '--example', 'law', ...args], { encoding: 'utf8' }))
}

/** Rolls the built declarations up into one page, in the order in which the root exports them. */
function contract() {
  const { succeeded } = Extractor.invoke(
    ExtractorConfig.prepare({
      packageJsonFullPath: `${root}package.json`,
      configObjectFullPath: undefined,
      configObject: {
        projectFolder: root,
        mainEntryPointFilePath: 'dist/index.d.ts',
        compiler: { tsconfigFilePath: 'tsconfig.json' },
        newlineKind: 'lf',
        enumMemberOrder: 'preserve',
        apiReport: { enabled: false },
        docModel: { enabled: false },
        tsdocMetadata: { enabled: false },
        dtsRollup: { enabled: true, untrimmedFilePath: 'index.d.ts' },
        messages: {
          compilerMessageReporting: { default: { logLevel: 'error' } },
          extractorMessageReporting: {
            default: { logLevel: 'warning' },
            'ae-missing-release-tag': { logLevel: 'none' },
          },
          tsdocMessageReporting: { default: { logLevel: 'none' } },
        },
      },
    }),
    { localBuild: true, showVerboseMessages: false },
  )
  if (!succeeded) process.exit(1)
  const page = readFileSync('index.d.ts', 'utf8')
  const header = '// The public contract of velo-stream on one page. Generated from js/ by `npm run generate`; do not edit.\n\n'
  writeFileSync('index.d.ts', header + page)
  execFileSync('npx', ['biome', 'check', '--write', 'index.d.ts'], { stdio: 'inherit', shell })
}
