// Metrics of the clusters of which this process is a part: nothing where there is none.

import { type ClusterMetrics, clusterMetrics } from '../kit/sight/measures.js'
import type { MetricFamily } from './families.js'

type OfCluster = readonly [name: string, type: 'gauge' | 'counter', help: string, value: (of: ClusterMetrics) => number]

const OF_CLUSTERS: readonly OfCluster[] = [
  ['velo_cluster_sessions_hosted', 'gauge', 'Sessions that this process hosts.', (of) => of.hosted],
  ['velo_cluster_handles_open', 'gauge', 'Handles of sessions that it has open.', (of) => of.open],
  ['velo_cluster_takeovers', 'counter', 'Sessions, over NATS partitions, taken over from processes that died.', (of) => of.takeovers],
  ['velo_cluster_commits', 'counter', 'Commits of hosted sessions.', (of) => of.commits],
  ['velo_cluster_lag_events', 'gauge', 'Events of hosted sessions that their functions have not finished.', (of) => of.lag],
  ['velo_cluster_dead_letters', 'counter', 'Sessions, over NATS events, that were given up.', (of) => of.deadLetters],
  ['velo_cluster_unreplicated', 'counter', 'Waits for replicas that ended before these had it.', (of) => of.unreplicated],
]

export function clusterFamilies(): MetricFamily[] {
  const clusters = clusterMetrics()
  if (clusters.length === 0) return []
  return OF_CLUSTERS.map(([name, type, help, value]) => {
    return { name, type, help, samples: clusters.map((of) => ({ labels: { cluster: of.prefix }, value: value(of) })) }
  })
}
