// `keyPrefix` of a client: refused. ioredis changes the keys of the commands that it knows, and not the names in their replies; iovalkey and scripts that name channels do otherwise again.

import { configError } from '../../kit/check.js'

interface Prefixed {
  readonly keyPrefix?: unknown
  readonly redisOptions?: { readonly keyPrefix?: unknown }
}

/** Throws `VELO_CONFIG` for a client whose option `keyPrefix` is set. */
export function withoutKeyPrefix(client: object, field: string): void {
  const { keyPrefix, redisOptions } = (client as { readonly options?: Prefixed }).options ?? {}
  const prefix = keyPrefix || redisOptions?.keyPrefix
  if (typeof prefix === 'string' && prefix !== '')
    throw configError(
      `${field}.options.keyPrefix`,
      "no prefix: pass client.duplicate({ keyPrefix: '' }) or a client of its own, and names with their prefix, or the option prefix",
      prefix,
    )
}
