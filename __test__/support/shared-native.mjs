// Import this before velo-stream: then `native` (native.mjs) is what the library itself calls, so that a test can count its calls.

import { fileURLToPath } from 'node:url'
import { binary } from './native.mjs'

process.env.VELO_TEST_BINARY = binary
process.env.NAPI_RS_NATIVE_LIBRARY_PATH = fileURLToPath(new URL('../fixtures/shared-native.cjs', import.meta.url))
