// What `/metrics` has beside the metrics of the library: what the server counts, and two numbers of the process.

import type { MetricFamily } from '../telemetry/index.js'

/** What the server itself counts. */
export interface ServerNumbers {
  readonly connections: number
  readonly streams: number
  readonly refused: { readonly server: number; readonly client: number }
  readonly draining: boolean
  /** Answered requests and upgrades, by function and status; `-` for what is no function. */
  readonly requests: ReadonlyMap<string, { readonly fn: string; readonly status: number; readonly count: number }>
}

/** The families of a server. */
export function serverFamilies({ connections, streams, refused, draining, requests }: ServerNumbers): MetricFamily[] {
  const gauge = (name: string, help: string, value: number): MetricFamily => ({
    name,
    type: 'gauge',
    help,
    samples: [{ labels: {}, value }],
  })
  return [
    gauge('velo_server_connections', 'Connections that are open.', connections),
    gauge('velo_server_streams', 'Requests and WebSockets that have a place.', streams),
    gauge('velo_server_draining', '1 while the server stops.', Number(draining)),
    {
      name: 'velo_server_refused',
      type: 'counter',
      help: 'Requests that got no place, by the limit that was reached.',
      samples: Object.entries(refused).map(([limit, value]) => ({ labels: { limit }, value })),
    },
    {
      name: 'velo_server_requests',
      type: 'counter',
      help: 'Requests and upgrades that were answered.',
      samples: [...requests.values()].map(({ fn, status, count }) => ({ labels: { function: fn, status }, value: count })),
    },
    gauge('process_resident_memory_bytes', 'Resident memory.', process.memoryUsage.rss()),
    gauge('process_start_time_seconds', 'When the process started.', Math.round(Date.now() / 1000 - process.uptime())),
  ]
}
