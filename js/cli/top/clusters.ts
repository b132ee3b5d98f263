// The clusters of which the process is a part: a line each above the list, and columns for a table.

import type { Overview } from '../../telemetry/index.js'
import type { Column } from '../journal/table.js'
import type { Style } from './columns.js'
import { type Line, span as part } from './frame.js'
import type { Rates } from './state.js'
import { count, cut, safe } from './units.js'

type Cluster = Overview['clusters'][number]

/** Columns of the screen that a prefix takes at most. */
const LONGEST_PREFIX = 16
/** Lines on a terminal of this height: the list has the most of it. */
const mostAt = (height: number): number => (height < 40 ? 3 : 8)

/** A line for each, and one for those for which there is no room. */
export function clusterLines(overview: Overview | undefined, rates: Rates | undefined, height: number): Line[] {
  const clusters = overview?.clusters ?? []
  const most = mostAt(height)
  if (clusters.length <= most) return clusters.map((cluster) => lineOf(cluster, rates))
  const rest = part(`         and ${clusters.length - most + 1} more clusters`, 'dim')
  return [...clusters.slice(0, most - 1).map((cluster) => lineOf(cluster, rates)), [rest]]
}

/** What is to be looked into first: a narrow terminal cuts the end. */
function lineOf({ prefix, hosted, open, takeovers, commits, lag, deadLetters, unreplicated }: Cluster, rates: Rates | undefined): Line {
  const number = (value: number | null, style?: Style) => part(count(value ?? 0), (value ?? 0) > 0 ? style : undefined)
  const rate = rates?.commits[prefix]
  return [
    part('cluster  '),
    part(cut(safe(prefix), LONGEST_PREFIX), 'bold'),
    part('  '),
    number(hosted),
    part(' hosted  '),
    number(open),
    part(' open  '),
    number(lag),
    part(' behind  '),
    number(deadLetters, 'red'),
    part(' given up  '),
    number(takeovers, 'yellow'),
    part(' taken over'),
    ...((unreplicated ?? 0) === 0 ? [] : [part('  '), number(unreplicated, 'yellow'), part(' unreplicated')]),
    part(rate === undefined ? `  ${count(commits ?? 0)} commits` : `  ${count(rate)} commits/s`),
  ]
}

/** What a table says of a cluster, since the start of the process. */
export const CLUSTERS: readonly (Column & { readonly of: (cluster: Cluster) => string })[] = [
  { name: 'CLUSTER', of: ({ prefix }) => safe(prefix) },
  { name: 'HOSTED', isNumber: true, of: ({ hosted }) => count(hosted ?? 0) },
  { name: 'OPEN', isNumber: true, of: ({ open }) => count(open ?? 0) },
  { name: 'COMMITS', isNumber: true, of: ({ commits }) => count(commits ?? 0) },
  { name: 'BEHIND', isNumber: true, of: ({ lag }) => count(lag ?? 0) },
  { name: 'GIVEN UP', isNumber: true, of: ({ deadLetters }) => count(deadLetters ?? 0) },
  { name: 'TAKEN OVER', isNumber: true, of: ({ takeovers }) => count(takeovers ?? 0) },
  { name: 'UNREPLICATED', isNumber: true, of: ({ unreplicated }) => count(unreplicated ?? 0) },
]
