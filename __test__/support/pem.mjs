// The certificate that was made for tests alone, and its key.

import { readFileSync } from 'node:fs'

/** `key` or `cert`. */
export const pem = (name) => readFileSync(new URL(`../server/tls/${name}.pem`, import.meta.url))
