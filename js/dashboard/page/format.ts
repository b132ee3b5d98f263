// Numbers as people read them.

const UNITS = ['', 'k', 'M', 'G', 'T']

/** `1 234`, `12.3k`, `4.56M`. */
export function count(value: number): string {
  if (value < 10_000) return String(Math.round(value))
  return scaled(value, 1000, UNITS)
}

/** `0.4`, `12`, `3.4k`. */
export function rate(value: number): string {
  return value > 0 && value < 9.95 ? value.toFixed(1) : count(value)
}

export function bytes(value: number): string {
  return value < 1024 ? `${Math.round(value)} B` : scaled(value, 1024, ['B', ' KiB', ' MiB', ' GiB', ' TiB'])
}

function scaled(value: number, step: number, units: readonly string[]): string {
  let power = 0
  let rest = value
  while (rest >= step && power < units.length - 1) {
    rest /= step
    power++
  }
  return `${rest < 9.995 ? rest.toFixed(2) : rest < 99.95 ? rest.toFixed(1) : rest.toFixed(0)}${units[power]}`
}

/** How long: `340 ms`, `12.3 s`, `4 min 10 s`, `3 h 05 min`, `2 d 4 h`. */
export function age(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(Math.floor(ms / 100) / 10).toFixed(1)} s`
  const seconds = Math.floor(ms / 1000)
  const two = (value: number) => String(value).padStart(2, '0')
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 1440) return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`
  return `${Math.floor(minutes / 1440)} d ${Math.floor((minutes % 1440) / 60)} h`
}

/** Microseconds: `12 us`, `3.4 ms`, `1.2 s`. */
export function micros(value: number): string {
  if (value < 1000) return `${Math.round(value)} us`
  const ms = value / 1000
  return ms < 1000 ? `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`
}

export function percent(value: number): string {
  return `${Math.round(value * 100)} %`
}

/** The time of day. */
export function clock(at: number): string {
  return new Date(at).toLocaleTimeString(undefined, { hour12: false })
}
