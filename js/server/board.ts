// The dashboard of a server: off unless it is asked for. Owns where it may lie; what it answers, and to whom, is for velo-stream/dashboard to say.

import { type Dashboard, type DashboardOptions, dashboard } from '../dashboard/index.js'
import { configError } from '../kit/check.js'

/** Paths of the server itself; those below them are too. */
const TAKEN = ['/fn', '/admin', '/metrics', '/healthz', '/readyz']

/** Throws `VELO_CONFIG`. */
export function boardOf(
  option: boolean | DashboardOptions | undefined,
  onError: DashboardOptions['onError'],
  field: string,
): Dashboard | undefined {
  if (option === undefined || option === false) return undefined
  if (option !== true && (typeof option !== 'object' || option === null)) throw configError(field, 'an object or a boolean', option)
  const own: DashboardOptions = option === true ? {} : option
  const made = dashboard({ ...own, onError: own.onError ?? onError })
  if (TAKEN.some((path) => isBelow(made.base, path))) throw configError(`${field}.base`, 'a path that the server has no use for', made.base)
  return made
}

/** Whether a path is `base`, or below it. */
export const isBelow = (path: string, base: string): boolean => path === base || path.startsWith(`${base}/`)
