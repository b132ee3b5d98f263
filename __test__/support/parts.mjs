// For tests of modules of target/js, which have no binary beside them: imported before the first of them, it says where the binary is. Only for files that do not import velo-stream as well.

import { binary } from './native.mjs'

process.env.NAPI_RS_NATIVE_LIBRARY_PATH = binary
